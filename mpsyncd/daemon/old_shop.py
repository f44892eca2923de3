"""The shop that variables of an older program tell of: made at the start of a daemon, and given their key when it has another one.

A shop that can not be made is told of in the log, and the daemon works on for the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from mpsyncd.model.errors import Refused, Unauthorized
from mpsyncd.storage import shop_status, shops, webhooks
from mpsyncd.storage.vault import load_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpsyncd.daemon.stores import Storage
    from mpsyncd.model.shop import Shop
    from mpsyncd.model.source import Credentials, Identity
    from mpsyncd.settings import OldShop
    from mpsyncd.storage.pool import Connection

log = structlog.get_logger(__name__)


async def adopt(storage: Storage, told: OldShop, *, identify: Callable[[str, Credentials], Identity]) -> None:
    """Make the shop, or give it its new key.

    Raises:
        StorageUnavailable: the database is away.
    """
    try:
        async with storage.control.transaction() as connection:
            await _adopt(connection, storage, told, identify(told.source, told.secrets))
    except (Unauthorized, Refused) as error:
        log.warning("old_shop_refused", name=told.name, error=str(error))


async def _adopt(connection: Connection, storage: Storage, told: OldShop, identity: Identity) -> None:
    known = await _known(connection, told)
    if known is None:
        new = shops.NewShop(customer="default", source=told.source, name=told.name, secrets=told.secrets, identity=identity)
        known = await shops.add(connection, storage.vault, new)
        log.info("old_shop_added", name=told.name, shop=known.shop_id)
    elif await load_secrets(connection, storage.vault, known.shop_id) != told.secrets:
        await shop_status.replace_secrets(
            connection, storage.vault, shop_id=known.shop_id, secrets=told.secrets, identity=identity, found={}
        )
        log.info("old_shop_added", name=told.name, shop=known.shop_id)
    if told.webhook_secret is not None:
        await webhooks.set_secret(connection, storage.vault, known.shop_id, told.webhook_secret)


async def _known(connection: Connection, told: OldShop) -> Shop | None:
    listed = await shops.list_shops(connection, source=told.source, customer="default")
    return next((shop for shop in listed if shop.name == told.name), None)
