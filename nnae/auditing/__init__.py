"""Check a hierarchy of labels against data that did not make it."""

from nnae.auditing._audit import audit
from nnae.auditing._report import AuditReport

__all__ = ["AuditReport", "audit"]
