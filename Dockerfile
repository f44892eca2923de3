# mpsyncd with the PostgreSQL that it brings along. The guide is docs/howto/run-in-a-container.md.
ARG BASE=debian:bookworm-slim

# Packages of Debian are not pinned (DL3008): its archive keeps only the newest version of a package, the one with the security fixes.
FROM ${BASE} AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-pip python3-venv \
    && python3 -m venv --without-pip /opt/mpsyncd
WORKDIR /src
COPY requirements.txt ./
RUN python3 -m pip --python /opt/mpsyncd/bin/python3 install --no-cache-dir --no-deps --require-hashes --requirement requirements.txt
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY config config
COPY migrations migrations
COPY mpsyncd mpsyncd
# What builds the wheel is pinned too; pip takes no hashes in constraints of a build.
RUN sed -nE 's/^([a-z0-9._-]+==[^ ;]+).*/\1/p' constraints.txt > pins.txt \
    && PIP_CONSTRAINT=pins.txt python3 -m pip --python /opt/mpsyncd/bin/python3 install --no-cache-dir --no-deps .

FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/* \
    && useradd --system --uid 10001 --home-dir /var/lib/mpsyncd --create-home --shell /usr/sbin/nologin mpsyncd \
    && install -d -o mpsyncd -g mpsyncd -m 0700 /run/mpsyncd
COPY --from=build /opt/mpsyncd /opt/mpsyncd
ENV PATH=/opt/mpsyncd/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    MPSYNCD_DATABASE__DATA_DIR=/var/lib/mpsyncd \
    MPSYNCD_DATABASE__RUNTIME_DIR=/run/mpsyncd \
    MPSYNCD_LOG__FORMAT=json
USER 10001:10001
WORKDIR /var/lib/mpsyncd
VOLUME /var/lib/mpsyncd
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m --retries=3 \
    CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=8)"]
# Reaps what a crashed PostgreSQL leaves behind, and hands signals on.
ENTRYPOINT ["tini", "--", "mpsyncd"]
CMD ["run"]
