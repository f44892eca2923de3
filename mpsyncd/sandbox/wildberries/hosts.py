"""The vendor's hosts: which token category each needs and which gateway guards it (wildberries.md §1, §13.10)."""

from dataclasses import dataclass

from mpsyncd.sandbox.wildberries.tokens import Category


@dataclass(frozen=True, slots=True)
class Host:
    """`category` None: any token. `origin` is the gateway's own name; the newer gateways (`ag-…`) have other bodies."""

    name: str
    category: Category | None
    origin: str

    @property
    def new_gateway(self) -> bool:
        """Whether errors come in the newer spelling."""
        return self.origin.startswith("ag-")


HOSTS = (
    Host("content-api", Category.CONTENT, "s2s-api-auth-content"),
    Host("seller-analytics-api", Category.ANALYTICS, "ag-contentanalytics"),
    Host("discounts-prices-api", Category.PRICES, "s2s-api-auth-discounts-prices"),
    Host("marketplace-api", Category.MARKETPLACE, "s2s-api-auth-marketplace"),
    Host("statistics-api", Category.STATISTICS, "s2s-api-auth-stat"),
    Host("advert-api", Category.PROMOTION, "s2s-api-auth-adv"),
    Host("feedbacks-api", Category.FEEDBACKS, "s2s-api-auth-feedbacks"),
    Host("buyer-chat-api", Category.CHAT, "s2s-api-auth-bchat"),
    Host("supplies-api", Category.SUPPLIES, "s2s-api-auth-supplies"),
    Host("returns-api", Category.RETURNS, "s2s-api-auth-returns"),
    Host("documents-api", Category.DOCUMENTS, "s2s-api-auth-documents"),
    Host("finance-api", Category.FINANCE, "ag-finance"),
    Host("common-api", None, "s2s-api-auth-common"),
    Host("user-management-api", Category.USERS, "s2s-api-auth-users"),
)
