"""What went wrong, in words: what the service said, where, and never a stack trace."""

from azure.cli.core.azclierror import (
    AzureConnectionError,
    AzureInternalError,
    AzureResponseError,
    BadRequestError,
    CLIInternalError,
    ForbiddenError,
    ResourceNotFoundError,
    UnauthorizedError,
)
from knack.log import get_logger
from knack.util import CLIError

logger = get_logger(__name__)

_BY_STATUS = {400: BadRequestError, 401: UnauthorizedError, 403: ForbiddenError, 404: ResourceNotFoundError}


class ServiceError(AzureResponseError):
    """An answer that is no success, with what a caller decides by."""

    def __init__(self, status, code, message):
        super().__init__(f"({code}) {message}" if code else message)
        self.status, self.code = status, code


def explain(error):
    """Raises the error as one that az prints without a stack trace."""
    from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError, ServiceResponseError

    if isinstance(error, (ServiceRequestError, ServiceResponseError)):
        raise AzureConnectionError(
            f"Azure did not answer: {error.message}",
            "Check the network, the proxy and the endpoints in 'az cloud show'.",
        ) from error
    if isinstance(error, (CLIError, AzureError)) and not isinstance(error, HttpResponseError):
        raise error
    if not isinstance(error, HttpResponseError):
        logger.debug("What was not expected:", exc_info=error)
        raise CLIInternalError(
            f"The command failed unexpectedly: {type(error).__name__}: {error}",
            "'--debug' shows where; please report it with that output.",
        ) from error
    status = error.status_code or 0
    kind = _BY_STATUS.get(status, AzureInternalError if status >= 500 else AzureResponseError)
    body = body_of(error)
    raise kind("\n".join(lines_of(body) or [error.message]), trace_of(error) or remedies_of(body)) from error


def body_of(error):
    """The error object of an answer: the newest models and the raw JSON agree on its members."""
    try:
        answer = error.response.json()
    except (AttributeError, ValueError):
        return {}
    body = answer.get("error") if isinstance(answer, dict) else None
    return body if isinstance(body, dict) else {}


def lines_of(body, indent=""):
    """The code, the message and the target, then those of the details."""
    if not body.get("message"):
        return []
    line = f"{indent}({body['code']}) {body['message']}" if body.get("code") else indent + body["message"]
    if body.get("target") and body["target"] not in body["message"]:
        line += f" [{body['target']}]"
    details = [detail for detail in _details(body) if detail.get("message") != body["message"]]
    return [line] + [below for detail in details for below in lines_of(detail, indent + "  ")]


def _details(body):
    return [detail for detail in body.get("details") or [] if isinstance(detail, dict)]


def deepest(body):
    """The errors that say something: others wrap them."""
    return [one for detail in _details(body) for one in deepest(detail)] or [body]


def remedy_of(body):
    """The service's remedy for a code is general: it begins with what it is about."""
    from azext_aro._remedies import REMEDIES

    remedy = REMEDIES.get(body.get("code"))
    return f"{body['target']}: {remedy}" if remedy and body.get("target") else remedy


def remedies_of(body):
    """What to do about each cause of an error that the service knows, or about the error itself."""
    causes = dict.fromkeys(remedy for detail in _details(body) for remedy in remedies_of(detail))
    return list(causes) or list(filter(None, [remedy_of(body)]))


def trace_of(error):
    """How support finds the request, for what the caller cannot mend."""
    headers = getattr(error.response, "headers", None) or {}
    correlation = headers.get("x-ms-correlation-request-id")
    if not correlation or (error.status_code or 0) < 500:
        return None
    return f"If it persists, name the correlation id {correlation} to support."
