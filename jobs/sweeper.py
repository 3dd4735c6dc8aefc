"""What must happen even when every message was lost."""

from jobs import claims, queue

MOST_RINGS = 100


def sweep() -> int:
    """End the leases of dead neighbours, and ring for due steps that no message waits for."""
    claims.expire_dead()
    due = list(claims.due().order_by("pk").values_list("pk", flat=True)[:MOST_RINGS])
    unheard = due[queue.waiting() :] if due else []
    for step_id in unheard:
        queue.ring(step_id)
    return len(unheard)
