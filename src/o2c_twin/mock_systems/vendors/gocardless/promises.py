"""What GoCardless promises about its writes: creates take an idempotency key, updates set one record
by its id, actions are refused in the state they lead to."""

from o2c_twin.mock_systems.wire.capability import Promise

_KEYS = "GoCardless blog and API reference, idempotency keys: no limit in time documented"
_STATE = "GoCardless API reference: the action is refused in the state it leads to"
_SET = "GoCardless API reference: an update sets what is sent"

PROMISES: tuple[Promise, ...] = (
    *(
        Promise(f"{resource}.create", "key", source=_KEYS)
        for resource in ("customers", "customer_bank_accounts", "mandates", "payments", "refunds")
    ),
    *(
        Promise(f"{resource}.update", "external-id", source=_SET)
        for resource in ("customers", "customer_bank_accounts", "mandates", "payments", "refunds", "payouts")
    ),
    *(
        Promise(action, "query", source=_STATE)
        for action in (
            "customer_bank_accounts.disable",
            "mandates.cancel",
            "mandates.reinstate",
            "payments.cancel",
            "payments.retry",
        )
    ),
    Promise("webhooks.retry", "none", source="GoCardless API reference: the webhook is sent again"),
    Promise("scenario_simulators.run", "none", source="GoCardless API reference, scenario simulators"),
)
