"""Whether a host answers at all, asked once and briefly, before anything is downloaded. What is downloaded is `fetch`'s business."""

import threading
from queue import Empty, SimpleQueue

SECONDS = 3.0


def unreachable(url: str, *, seconds: float = SECONDS) -> str:
    """Why `url` does not answer a HEAD request with status 200 within `seconds`, in a few words; '' when it does.

    Proxies of the environment are used, as for downloads, and no redirect is followed: a login page is no answer.
    """
    import requests  # before the clock starts

    said: SimpleQueue[str] = SimpleQueue()

    def ask() -> None:
        try:
            with requests.head(url, timeout=seconds, allow_redirects=False) as response:
                said.put("" if response.status_code == 200 else f"status {response.status_code}")
        except requests.Timeout:
            said.put(f"no answer within {seconds:g} s")
        except (requests.RequestException, OSError, ValueError) as error:
            said.put(_brief(error))

    threading.Thread(target=ask, daemon=True).start()  # looking up a name has no time limit of its own
    try:
        return said.get(timeout=seconds)
    except Empty:
        return f"no answer within {seconds:g} s"


def _brief(error: Exception) -> str:
    """'name not resolved' and the like: the error's own text names the machine's resolver and more."""
    import requests

    text = str(error)
    if "NameResolution" in text or "Name or service" in text:
        return "its name is not resolved"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not let it through"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    return "no connection" if isinstance(error, requests.ConnectionError) else type(error).__name__
