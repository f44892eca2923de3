"""mpsyncd keeps a PostgreSQL database in step with accounts at Wildberries, Ozon, Yandex Metrika and Kaiten."""

from importlib.metadata import version

__version__ = version("mpsyncd")
