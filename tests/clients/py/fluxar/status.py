"""Codes and errors (docs/spec/codes.md)."""

NAMES = (
    "ok cancelled unknown invalid_argument deadline_exceeded not_found already_exists "
    "permission_denied resource_exhausted failed_precondition aborted out_of_range unimplemented "
    "internal unavailable data_loss unauthenticated indeterminate"
).split()
NUMBERS = {name: number for number, name in enumerate(NAMES)}


class Status(Exception):
    """Why something did not succeed."""

    def __init__(self, code, message="", type_name=None, details=None):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message
        self.type_name, self.details = type_name, details

    @classmethod
    def from_map(cls, error):
        """From the error field; a code of a newer peer is unknown [L3.error.2]."""
        number = error[0]
        code = NAMES[number] if number < len(NAMES) else "unknown"
        return cls(code, error.get(1, ""), error.get(2), error.get(3))

    def to_map(self):
        """For the error field."""
        error = {0: NUMBERS[self.code], 1: self.message}
        if self.type_name is not None:
            error[2] = self.type_name
            if self.details is not None:
                error[3] = self.details
        return error


class Violation(Exception):
    """The peer broke a rule."""

    def __init__(self, rule, text, code="invalid_argument"):
        super().__init__(f"[{rule}] {text}")
        self.rule, self.code = rule, code
