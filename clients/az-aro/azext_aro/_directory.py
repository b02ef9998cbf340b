"""Applications and service principals in the directory. Nothing here is called for
a principal whose object id was given."""

from contextlib import contextmanager

from azure.cli.core.azclierror import AzCLIError, ForbiddenError, ResourceNotFoundError
from knack.log import get_logger

from azext_aro._errors import ServiceError
from azext_aro._roles import RP_APPLICATION

logger = get_logger(__name__)

ATTEMPTS = 3
REPLICATION_SECONDS = 10


def find_principal(azure, application, option):
    """The object id of the application's service principal; None if it has none."""
    try:
        found = azure.graph("GET", "/servicePrincipals", **{"$filter": f"appId eq '{application}'"})["value"]
    except ServiceError as error:
        if error.status not in (401, 403):
            raise
        raise ForbiddenError(
            f"You may not look up application {application} in the directory.",
            f"Ask someone who may to run 'az ad sp show --id {application} --query id -o tsv', and give the answer "
            f"with {option}.",
        ) from error
    return found[0]["id"] if found else None


def rp_principal(azure, object_id=None):
    """The object id of the service itself."""
    found = object_id or find_principal(azure, RP_APPLICATION, "--rp-object-id")
    if not found:
        raise ResourceNotFoundError(
            "The directory has no service principal of Azure Red Hat OpenShift.",
            f"Run '{registration(azure)}' and try again.",
        )
    return found


def registration(azure):
    """The command that makes the service known to the subscription and its directory."""
    return f"az provider register --subscription {azure.subscription} --namespace Microsoft.RedHatOpenShift --wait"


def ensure_principal(azure, application, object_id=None):
    """The object id of the application's service principal, which is made if it has none."""
    found = object_id or find_principal(azure, application, "--client-object-id")
    for attempt in range(1, ATTEMPTS + 1):
        if found:
            return found
        try:
            return azure.graph("POST", "/servicePrincipals", {"appId": application})["id"]
        except ServiceError as error:
            if attempt == ATTEMPTS or error.status in (401, 403):
                error.set_recommendation(f"Run 'az ad sp create --id {application}' and try again.")
                raise
            logger.info("The new application is not known everywhere yet: %s", error.code)
        azure.sleep(REPLICATION_SECONDS)
    return found


def new_application(azure, name):
    """Makes an application: its id and a secret."""
    try:
        made = azure.graph("POST", "/applications", {"displayName": name})
    except ServiceError as error:
        if error.status in (401, 403):
            error.set_recommendation(
                "You may not make applications. Give one that exists with --client-id and "
                "--client-secret, or use --enable-managed-identity true."
            )
        raise
    with taken_back(azure, made["appId"]):
        return made["appId"], new_secret(azure, made["id"])


@contextmanager
def taken_back(azure, application):
    """Deletes a new application if the operation that it was created for fails."""
    try:
        yield
    except BaseException:
        try:
            azure.graph("DELETE", f"/applications(appId='{application}')")
        except AzCLIError as error:
            logger.warning("The new application is left: %s 'az ad app delete --id %s' deletes it.", error, application)
        raise


def new_secret(azure, object_id):
    """Adds a secret to an application that is known by its object id."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return azure.graph("POST", f"/applications/{object_id}/addPassword", {})["secretText"]
        except ServiceError as error:
            if error.status != 404 or attempt == ATTEMPTS:
                raise
        azure.sleep(REPLICATION_SECONDS)
    raise AssertionError("unreachable")


def find_application(azure, application):
    """The object id of an application; None if it is gone."""
    found = azure.graph("GET", "/applications", **{"$filter": f"appId eq '{application}'"})["value"]
    return found[0]["id"] if found else None
