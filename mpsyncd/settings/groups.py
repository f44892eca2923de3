"""The groups of settings and their sum. Names, defaults and bounds; the example file and the reference page are made of these classes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mpsyncd.settings import places
from mpsyncd.settings.http import HttpSettings
from mpsyncd.settings.kinds import Duration, Group
from mpsyncd.settings.schedules import ScheduleGroup
from mpsyncd.settings.sources import SourceGroup


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


class DatabaseSettings(Group):
    """Which PostgreSQL holds the data. Without `dsn` mpsyncd runs one of its own in `data_dir`."""

    dsn: SecretStr | None = Field(
        default=None,
        examples=["postgresql://mpsyncd@db.example:5432/mpsyncd"],
        description="postgresql://user:password@host:port/database of a server that runs already",
    )
    data_dir: Path = Field(
        default_factory=places.data_dir,
        examples=["/var/lib/mpsyncd"],
        description="Folder of the own PostgreSQL and of keys",
        json_schema_extra={"shown": "STATE_DIRECTORY of systemd, /var/lib/mpsyncd for root, else ~/.local/share/mpsyncd"},
    )
    runtime_dir: Path | None = Field(
        default_factory=places.runtime_dir,
        examples=["/run/mpsyncd"],
        description="Folder of the own PostgreSQL's socket",
        json_schema_extra={"shown": "RUNTIME_DIRECTORY of systemd, else inside data_dir"},
    )
    embedded_binaries: Literal["auto"] | Path = Field(default="auto", description="Folder of the programs of the own PostgreSQL")
    embedded_major: int | None = Field(
        default=None, examples=[18], ge=14, description="Major of a new own PostgreSQL; the newest when left out"
    )
    port: int = Field(default=5432, ge=1, le=65535, description="Port of the own PostgreSQL; it names the socket too")
    listen_tcp: bool = Field(default=False, description="Whether the own PostgreSQL listens on 127.0.0.1 besides its socket")
    os_user: str | None = Field(
        default=None, examples=["postgres"], description="Account that runs the own PostgreSQL when the daemon is root"
    )
    settings: dict[str, str] = Field(default={}, description="Settings of the own PostgreSQL by their names there")
    pool_min: int = Field(default=1, ge=1, le=100, description="Connections that are kept open")
    pool_max: int = Field(default=10, ge=2, le=200, description="Connections at most")
    connect_timeout: Duration = Field(default=timedelta(seconds=10), description="How long one attempt to connect may take")
    command_timeout: Duration = Field(default=timedelta(minutes=5), description="How long one statement may take")

    @field_validator("dsn")
    @classmethod
    def _is_postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            message = "a DSN begins with postgresql://"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _pool_is_a_range(self) -> Self:
        if self.pool_min > self.pool_max:
            message = f"pool_min {self.pool_min} is more than pool_max {self.pool_max}"
            raise ValueError(message)
        return self


class VaultSettings(Group):
    """The key that the stored credentials of shops are encrypted with; made once when there is none."""

    key: SecretStr | None = Field(
        default=None,
        examples=["(made by mpsyncd)"],
        description="The key itself; meant for a systemd credential (vault.key) or the environment",
    )
    key_file: Path | None = Field(
        default=None,
        examples=["/etc/mpsyncd/vault.key"],
        description="File of the key, mode 0600",
        json_schema_extra={"shown": "vault.key in [database] data_dir"},
    )

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.key is not None and self.key_file is not None:
            message = "key and key_file are both set; leave one of them out"
            raise ValueError(message)
        return self


class LogSettings(Group):
    """What is logged, how and where; always to stderr."""

    level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        default="info", description="Least important level that is logged"
    )
    format: Literal["auto", "json", "console"] = Field(default="auto", description="auto: console on a terminal, else JSON")
    file: Path | None = Field(default=None, examples=["/var/log/mpsyncd/mpsyncd.log"], description="File that gets the same as JSON")
    file_mb: int = Field(default=20, ge=1, le=10_000, description="Size in MB at which the file is put aside")
    file_count: int = Field(default=5, ge=1, le=100, description="How many files put aside are kept")


class TransportSettings(Group):
    """How requests go out to all sources."""

    connections: int = Field(default=100, ge=1, le=10_000, description="Connections open at the same time")
    connect_timeout: Duration = Field(default=timedelta(seconds=10), description="How long connecting may take")
    read_timeout: Duration = Field(default=timedelta(seconds=60), description="How long an answer may stay silent before it counts as lost")
    answer_timeout: Duration = Field(default=timedelta(minutes=15), description="How long one answer may take as a whole")
    patience: Duration = Field(
        default=timedelta(seconds=30), description="A longer wait for a limit is not slept through: the feed is snoozed and others go on"
    )
    tries: int = Field(default=5, ge=1, le=20, description="How often a request that failed in passing is sent in all")
    limit_scale: float = Field(
        default=1.0, gt=0, le=100_000, description="How many times faster than published all limits refill; for the sandbox and tests only"
    )


class EngineSettings(Group):
    """How work is shared out, bounded and cleaned up."""

    lease_ttl: Duration = Field(
        default=timedelta(seconds=30), description="After this time without a sign of life another daemon takes over"
    )
    no_progress: Duration = Field(
        default=timedelta(minutes=15), description="A feed that commits nothing for so long is given up and tried again"
    )
    sweep_share: float = Field(
        default=0.5, gt=0, le=1, description="A complete walk that would remove a larger share of at least 20 rows is not believed"
    )
    feeds_at_once: int = Field(default=100, ge=1, le=10_000, description="Feeds that are read at once; one that waits does not count")
    keep_runs: Duration = Field(default=timedelta(days=90), description="Age at which finished runs and slices are removed")
    keep_events: Duration = Field(default=timedelta(days=365), description="Age at which recorded changes of content are removed")
    keep_rejected: Duration = Field(default=timedelta(days=180), description="Age at which rejected rows are removed")
    keep_deliveries: Duration = Field(default=timedelta(days=30), description="Age at which processed deliveries of webhooks are removed")


class AttachmentSettings(Group):
    """Files of chats that somebody looked at: kept on disk for a while, fetched again when they are gone."""

    directory: Path | None = Field(
        default=None,
        examples=["/var/cache/mpsyncd/attachments"],
        description="Folder of the files",
        json_schema_extra={"shown": "attachments in [database] data_dir"},
    )
    size_mb: int = Field(default=512, ge=0, le=1_000_000, description="Size in MB of all files together; 0 keeps none")
    keep: Duration = Field(default=timedelta(days=30), description="Age at which a file is removed")


class ShopListSettings(Group):
    """The file that lists shops, beside those that are added by command. How it is written: config/shops.example.toml."""

    file: Path | None = Field(
        default=None,
        examples=["/etc/mpsyncd/shops.toml"],
        description="File of the shop list",
        json_schema_extra={"shown": "shops.toml beside the settings file, when there is one"},
    )


class Settings(BaseSettings):
    """Everything that can be chosen. Made by `load`; constructed directly it holds the defaults and what it is given."""

    model_config = SettingsConfigDict(
        env_prefix="MPSYNCD_", env_nested_delimiter="__", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    vault: VaultSettings = VaultSettings()
    shops: ShopListSettings = ShopListSettings()
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()
    schedules: ScheduleGroup = ScheduleGroup()
    engine: EngineSettings = EngineSettings()
    transport: TransportSettings = TransportSettings()
    attachments: AttachmentSettings = AttachmentSettings()
    sources: SourceGroup = SourceGroup()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given: `load` reads the other sources itself, because it must know where each value came from."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @property
    def vault_key_file(self) -> Path:
        """Where the key of the vault lies when it is not given as a value."""
        return self.vault.key_file or self.database.data_dir / "vault.key"

    @property
    def attachments_dir(self) -> Path:
        """Where files of chats are kept."""
        return self.attachments.directory or self.database.data_dir / "attachments"
