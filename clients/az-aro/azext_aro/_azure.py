"""Resource Manager and Graph as the commands need them: small JSON calls with the
caller's token. No management SDK is imported for them, which keeps az fast, and no
body is ever logged, because some hold secrets."""

import time

from knack.log import get_logger

from azext_aro._client import provider_endpoint
from azext_aro._errors import ServiceError

logger = get_logger(__name__)

ATTEMPTS = 5
TIMEOUT_SECONDS = 60
LONGEST_WAIT_SECONDS = 30
RETRIED = (429, 500, 502, 503, 504)
# A POST may have been done although its answer was lost; these two say that it was not.
RETRIED_POST = (429, 503)


class Azure:
    """One caller in one subscription of one cloud."""

    def __init__(self, cli_ctx, sleep=time.sleep):
        from azure.cli.core._profile import Profile

        self.cli_ctx = cli_ctx
        self.endpoints = cli_ctx.cloud.endpoints
        self.profile = Profile(cli_ctx=cli_ctx)
        self.subscription = cli_ctx.data.get("subscription_id") or self.profile.get_subscription_id()
        self.sleep = sleep
        self._session = None

    def arm(self, method, path, version, body=None, **query):
        """Calls the resource manager: its JSON, or None if there is none."""
        query["api-version"] = version
        return self._send(
            method, self.endpoints.resource_manager, path, self.endpoints.active_directory_resource_id, body, query
        ).get("body")

    def exists(self, path, version):
        """Whether there is a resource, by HEAD."""
        try:
            self.arm("HEAD", path, version)
        except ServiceError as error:
            if error.status == 404:
                return False
            raise
        return True

    def every(self, path, version, **query):
        """All elements of a list, page after page."""
        answer = self.arm("GET", path, version, **query) or {}
        found = list(answer.get("value") or [])
        for _ in range(1000):
            link = answer.get("nextLink")
            if not link:
                return found
            answer = (
                self._send("GET", "", self._own(link), self.endpoints.active_directory_resource_id, None, {})["body"]
                or {}
            )
            found += answer.get("value") or []
        raise ServiceError(500, "TooManyPages", f"The list {path} does not end.")

    def _own(self, link):
        """The link, if it stays with the resource manager: the token goes nowhere else."""
        from urllib.parse import urlsplit

        here, there = urlsplit(self.endpoints.resource_manager), urlsplit(link)
        if (here.scheme, here.netloc.lower()) != (there.scheme, there.netloc.lower()):
            raise ServiceError(0, "ForeignLink", f"A list continues at {there.netloc}, which is not {here.netloc}.")
        return link

    def graph(self, method, path, body=None, **query):
        """Calls Microsoft Graph of the cloud, which may have none."""
        from azure.cli.core.azclierror import ForbiddenError
        from azure.cli.core.cloud import CloudEndpointNotSetException

        try:
            resource = self.endpoints.microsoft_graph_resource_id
        except CloudEndpointNotSetException as error:
            raise ForbiddenError(
                f"The cloud {self.cli_ctx.cloud.name} has no directory.",
                "Give --rp-object-id, and --client-object-id with --client-id; or name the directory with "
                f"'az cloud update --name {self.cli_ctx.cloud.name} --endpoint-microsoft-graph-resource-id URL'.",
            ) from error
        return self._send(method, resource, "/v1.0" + path, resource, body, query).get("body")

    def scope(self, *segments):
        """The id of something in the subscription."""
        return "/".join(("/subscriptions/" + self.subscription,) + segments)

    def caller(self):
        """The caller as az role assignment takes it for --assignee."""
        return self.profile.get_current_account_user()

    def provider(self, method, path, version, body):
        """Calls the resource manager that the provider's client calls."""
        endpoint = provider_endpoint(self.cli_ctx)
        query = {"api-version": version}
        return self._send(method, endpoint, path, self.endpoints.active_directory_resource_id, body, query)["body"]

    def _send(self, method, endpoint, path, resource, body, query):
        url = endpoint.rstrip("/") + path if endpoint else path
        retried = RETRIED_POST if method == "POST" else RETRIED
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._once(method, url, resource, body, query)
            except ServiceError as error:
                if attempt == ATTEMPTS or error.status not in retried:
                    raise
                self.sleep(min(getattr(error, "retry_after", None) or 2**attempt, LONGEST_WAIT_SECONDS))
            else:
                return answer
        raise AssertionError("unreachable")

    def _once(self, method, url, resource, body, query):
        from requests import exceptions
        from azure.cli.core.azclierror import AzureConnectionError

        if not url.lower().startswith("https://"):
            raise ServiceError(
                0, "InsecureEndpoint", f"{url.split('?')[0]} is no HTTPS address; no token is sent there."
            )
        headers = {"Accept": "application/json", "Authorization": "Bearer " + self._token(resource)}
        try:
            response = self._requests().request(
                method,
                url,
                params=query or None,
                json=body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except exceptions.RequestException as error:
            raise AzureConnectionError(
                f"{url.split('?')[0]} did not answer: {type(error).__name__}.",
                "Check the network, the proxy and the endpoints in 'az cloud show'.",
            ) from error
        logger.debug("%s %s: %s", method, url.split("?")[0], response.status_code)
        if response.status_code >= 300:
            raise _refusal(response)
        return {"body": _content(response)}

    def _token(self, resource):
        (_, token, _), _, _ = self.profile.get_raw_token(resource, subscription=self.subscription)
        return token

    def _requests(self):
        if self._session is None:
            from requests import Session
            from azure.cli.core.util import get_az_user_agent, should_disable_connection_verify

            self._session = Session()
            if should_disable_connection_verify():
                self._session.verify = False
            self._session.headers["User-Agent"] = get_az_user_agent()
        return self._session


def _content(response):
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError as error:
        where = response.url.split("?")[0]
        raise ServiceError(
            response.status_code, "InvalidResponse", f"The answer of {where} is no JSON; is something in between?"
        ) from error


def _refusal(response):
    try:
        body = response.json().get("error") or {}
    except (ValueError, AttributeError):
        body = {}
    if not isinstance(body, dict):
        body = {"code": str(body)}
    error = ServiceError(
        response.status_code,
        body.get("code") or f"HTTP {response.status_code}",
        body.get("message") or response.reason or "The request failed.",
    )
    error.body = body
    try:
        error.retry_after = int(response.headers.get("Retry-After", ""))
    except ValueError:
        error.retry_after = None
    return error
