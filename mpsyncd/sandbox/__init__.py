"""Look-alikes of the vendors' APIs on loopback, for the demo and for tests. Shares no code with the client it stands against."""

from mpsyncd.sandbox.core import Core
from mpsyncd.sandbox.http import Delivery, Manner, Request, Response
from mpsyncd.sandbox.options import (
    DEMO_COMPANIES,
    DEMO_SELLERS,
    VENDOR_FINANCE_CAP,
    VENDOR_ORDERS_CAP,
    CompanySpec,
    Fault,
    FaultKind,
    SandboxOptions,
    SellerSpec,
)
from mpsyncd.sandbox.shell import Sandbox, serve
from mpsyncd.sandbox.shops import DemoShop
from mpsyncd.sandbox.wildberries.tokens import EVERY_CATEGORY, Category, TokenType, make_token

__all__ = [
    "DEMO_COMPANIES",
    "DEMO_SELLERS",
    "EVERY_CATEGORY",
    "VENDOR_FINANCE_CAP",
    "VENDOR_ORDERS_CAP",
    "Category",
    "CompanySpec",
    "Core",
    "Delivery",
    "DemoShop",
    "Fault",
    "FaultKind",
    "Manner",
    "Request",
    "Response",
    "Sandbox",
    "SandboxOptions",
    "SellerSpec",
    "TokenType",
    "make_token",
    "serve",
]
