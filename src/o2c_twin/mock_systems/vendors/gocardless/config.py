"""One GoCardless account: who collects, its tokens and webhook endpoints, its package, and its known oddities."""

from datetime import date
from typing import Literal

import msgspec

API_VERSION = "2015-07-06"
Environment = Literal["sandbox", "live"]
Package = Literal["standard", "plus"]


class WebhookEndpoint(msgspec.Struct, frozen=True):
    """Where events are pushed to, and the secret they are signed with."""

    url: str
    secret: str


class GoCardlessConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One account with one creditor.

    ``read_only_token`` may only read; ``revoked_tokens`` were valid once. ``fee_*`` are what the account pays a
    collection: share in basis points, fixed sum and cap in minor units; ``surcharge`` for a late failure or a
    chargeback. ``holidays`` are closed days besides weekends. ``webhook_delay_s`` is how long events are gathered
    before they are sent.

    Oddities of the real system:

    - ``refunds_need_balance``: a refund is refused when the money not paid out yet does not cover it.
    - ``bacs_references``: Bacs payment references need the package ``plus``; on ``standard`` they are refused.
    - ``payout_items_kept_months``: items of older payouts answer 410 Gone (None: kept for ever).
    - ``events_kept_months``: older events are no longer listed (None: kept for ever).
    - ``forget_keys_after_days``: idempotency keys are forgotten after that time; None, as documented: never.
    """

    seed: int = 0
    environment: Environment = "sandbox"
    package: Package = "standard"
    access_token: str = "sandbox-o2c-token"
    read_only_token: str | None = None
    revoked_tokens: tuple[str, ...] = ()
    webhook_secret: str = "gocardless-webhook-secret"
    endpoints: tuple[WebhookEndpoint, ...] = ()
    webhook_delay_s: float = 5.0
    creditor_name: str = "The company"
    creditor_country: str = "GB"
    creditor_short_name: str = "COMPANY"
    fee_share_bp: int = 100
    fee_fixed: int = 20
    fee_cap: int = 400
    surcharge: int = 0
    holidays: tuple[date, ...] = ()
    refunds_need_balance: bool = True
    bacs_references: bool = True
    payout_items_kept_months: int | None = 6
    events_kept_months: int | None = 18
    forget_keys_after_days: int | None = None
