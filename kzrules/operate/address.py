"""Where to listen, as it is written on the command line. Called by `service.plan`."""

from ipaddress import ip_address

from kzrules.errors import SettingError


def address(text: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:9480` or `[::1]:9480`; SettingError for anything else."""
    host, colon, port = text.rpartition(":")
    try:
        where = str(ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        where = ""
    if not where or not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise SettingError(
            f"--http takes an address and a port, as 127.0.0.1:9480 or [::1]:9480, and not {text!r}."
        )
    return where, int(port)


def shown(host: str, port: int) -> str:
    """The same as text."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
