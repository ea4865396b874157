"""The message status and the only ways it may move.

    Queued → Sending → Sent → Delivered → Read → Played
    Sending → Queued (retry), Unknown (nobody knows), Held (the provider asks to wait)
    Queued → Held → Queued;  Queued/Held → Cancelled;  anything before Delivered → Failed
    Unknown → Sent/Delivered/Read/Played/Failed when the truth arrives
    Unknown → Sending where the sender looks for the message first, and sends it only if it is not there

A status never goes back, and Failed never overwrites Delivered or Read: a message can fail on one of the recipient's
devices and be delivered on another (DOC/support). Incoming rows are Received from the start.
"""

from __future__ import annotations

QUEUED = "Queued"
HELD = "Held"
SENDING = "Sending"
UNKNOWN = "Unknown"
SENT = "Sent"
DELIVERED = "Delivered"
READ = "Read"
PLAYED = "Played"
FAILED = "Failed"
CANCELLED = "Cancelled"
RECEIVED = "Received"

# A status that arrives late for a Queued row tells that an earlier attempt did leave, and wins. "sent" that comes behind
# "failed" is only out of order, but "delivered" is the truth (DOC/support: any delivery counts). Otherwise a person's Retry
# (RETRYABLE, below) is the only way out of Failed.
_BEFORE_SENT = frozenset({QUEUED, HELD, SENDING, UNKNOWN})
_BEFORE_DELIVERED = _BEFORE_SENT | {SENT, FAILED}
SOURCES: dict[str, frozenset[str]] = {
	QUEUED: frozenset({SENDING, HELD}),
	HELD: frozenset({QUEUED, SENDING}),
	SENDING: frozenset({QUEUED, UNKNOWN}),
	UNKNOWN: frozenset({SENDING}),
	SENT: _BEFORE_SENT,
	DELIVERED: _BEFORE_DELIVERED,
	READ: _BEFORE_DELIVERED | {DELIVERED},
	PLAYED: _BEFORE_DELIVERED | {DELIVERED, READ},
	FAILED: frozenset({QUEUED, HELD, SENDING, UNKNOWN, SENT}),
	CANCELLED: frozenset({QUEUED, HELD}),
	RECEIVED: frozenset(),
}


# What a person may queue again. For Unknown that is the word of somebody who looked at the chat.
RETRYABLE = frozenset({FAILED, HELD, UNKNOWN})
CANCELLABLE = SOURCES[CANCELLED]
