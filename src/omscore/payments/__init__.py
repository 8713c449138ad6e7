"""Payments: authorize, capture, void and refund as an append-only list; credit terms; what is told to the books."""

from omscore.payments._credit import CreditAccount, check_credit
from omscore.payments._payment import (
    CAPTURE_METHODS,
    PAYMENT_STATUSES,
    TRANSACTION_KINDS,
    Payment,
    PaymentTransaction,
    fold,
)
from omscore.payments._postings import (
    POSTING_KINDS,
    Invoiced,
    Posting,
    PostingLine,
    credit_note,
    invoice,
    paid,
    refunded,
    stock_value,
    vendor_return,
    written_off,
)

__all__ = [
    "TRANSACTION_KINDS",
    "PAYMENT_STATUSES",
    "CAPTURE_METHODS",
    "PaymentTransaction",
    "Payment",
    "fold",
    "CreditAccount",
    "check_credit",
    "POSTING_KINDS",
    "PostingLine",
    "Posting",
    "Invoiced",
    "invoice",
    "paid",
    "refunded",
    "credit_note",
    "written_off",
    "stock_value",
    "vendor_return",
]
