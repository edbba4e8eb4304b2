"""What a manager is called: the name it gives itself, else the program it says it is."""

from kuberklone.errors import Cause, Invalid

NAME_LENGTH_MAX = 128


def manager_of(field_manager: str | None, user_agent: str | None) -> str:
    """The name from the parameter `fieldManager`, else from `User-Agent`; raises Invalid for one nobody can read."""
    if field_manager:
        if len(field_manager) > NAME_LENGTH_MAX or not field_manager.isprintable():
            said = f"send printable characters, at most {NAME_LENGTH_MAX}; got {field_manager!r:.160}"
            raise Invalid(f"fieldManager: {said}", causes=(Cause("fieldManager", "FieldValueInvalid", said),))
        return field_manager
    program = (user_agent or "").partition("/")[0]
    return "".join(letter for letter in program if letter.isprintable())[:NAME_LENGTH_MAX] or "unknown"
