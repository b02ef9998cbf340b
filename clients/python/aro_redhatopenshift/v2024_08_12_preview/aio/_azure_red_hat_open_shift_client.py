# coding=utf-8
# --------------------------------------------------------------------------
# NO_HEADER
# --------------------------------------------------------------------------

from copy import deepcopy
from typing import Any, Awaitable, Optional, TYPE_CHECKING, cast
from typing_extensions import Self

from azure.core.pipeline import policies
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.core.settings import settings
from azure.mgmt.core import AsyncARMPipelineClient
from azure.mgmt.core.policies import AsyncARMAutoResourceProviderRegistrationPolicy
from azure.mgmt.core.tools import get_arm_endpoints

from .. import models as _models
from .._utils.serialization import Deserializer, Serializer
from ._configuration import AzureRedHatOpenShiftClientConfiguration
from .operations import (
    OpenShiftClustersOperations,
    OpenShiftVersionsOperations,
    Operations,
    PlatformWorkloadIdentityRoleSetOperations,
    PlatformWorkloadIdentityRoleSetsOperations,
)

if TYPE_CHECKING:
    from azure.core import AzureClouds
    from azure.core.credentials_async import AsyncTokenCredential


class AzureRedHatOpenShiftClient:
    """Create, read, change and delete managed OpenShift 4 clusters on Azure.

    :ivar operations: Operations operations
    :vartype operations: aro_redhatopenshift.v2024_08_12_preview.aio.operations.Operations
    :ivar open_shift_versions: OpenShiftVersionsOperations operations
    :vartype open_shift_versions:
     aro_redhatopenshift.v2024_08_12_preview.aio.operations.OpenShiftVersionsOperations
    :ivar platform_workload_identity_role_sets: PlatformWorkloadIdentityRoleSetsOperations
     operations
    :vartype platform_workload_identity_role_sets:
     aro_redhatopenshift.v2024_08_12_preview.aio.operations.PlatformWorkloadIdentityRoleSetsOperations
    :ivar platform_workload_identity_role_set: PlatformWorkloadIdentityRoleSetOperations operations
    :vartype platform_workload_identity_role_set:
     aro_redhatopenshift.v2024_08_12_preview.aio.operations.PlatformWorkloadIdentityRoleSetOperations
    :ivar open_shift_clusters: OpenShiftClustersOperations operations
    :vartype open_shift_clusters:
     aro_redhatopenshift.v2024_08_12_preview.aio.operations.OpenShiftClustersOperations
    :param credential: Credential needed for the client to connect to Azure. Required.
    :type credential: ~azure.core.credentials_async.AsyncTokenCredential
    :param subscription_id: Id of the Azure subscription that holds the resource, a UUID. Required.
    :type subscription_id: str
    :param base_url: Service URL. Default value is None.
    :type base_url: str
    :keyword cloud_setting: The cloud setting for which to get the ARM endpoint. Default value is
     None.
    :paramtype cloud_setting: ~azure.core.AzureClouds
    :keyword api_version: Api Version. Default value is "2024-08-12-preview". Note that overriding
     this default value may result in unsupported behavior.
    :paramtype api_version: str
    :keyword int polling_interval: Default waiting time between two polls for LRO operations if no
     Retry-After header is present.
    """

    def __init__(
        self,
        credential: "AsyncTokenCredential",
        subscription_id: str,
        base_url: Optional[str] = None,
        *,
        cloud_setting: Optional["AzureClouds"] = None,
        **kwargs: Any
    ) -> None:
        _cloud = cloud_setting or settings.current.azure_cloud  # type: ignore
        _endpoints = get_arm_endpoints(_cloud)
        if not base_url:
            base_url = _endpoints["resource_manager"]
        credential_scopes = kwargs.pop("credential_scopes", _endpoints["credential_scopes"])
        self._config = AzureRedHatOpenShiftClientConfiguration(
            credential=credential,
            subscription_id=subscription_id,
            cloud_setting=cloud_setting,
            credential_scopes=credential_scopes,
            **kwargs
        )

        _policies = kwargs.pop("policies", None)
        if _policies is None:
            _policies = [
                policies.RequestIdPolicy(**kwargs),
                self._config.headers_policy,
                self._config.user_agent_policy,
                self._config.proxy_policy,
                policies.ContentDecodePolicy(**kwargs),
                AsyncARMAutoResourceProviderRegistrationPolicy(),
                self._config.redirect_policy,
                self._config.retry_policy,
                self._config.authentication_policy,
                self._config.custom_hook_policy,
                self._config.logging_policy,
                policies.DistributedTracingPolicy(**kwargs),
                policies.SensitiveHeaderCleanupPolicy(**kwargs) if self._config.redirect_policy else None,
                self._config.http_logging_policy,
            ]
        self._client: AsyncARMPipelineClient = AsyncARMPipelineClient(
            base_url=cast(str, base_url), policies=_policies, **kwargs
        )

        client_models = {k: v for k, v in _models.__dict__.items() if isinstance(v, type)}
        self._serialize = Serializer(client_models)
        self._deserialize = Deserializer(client_models)
        self._serialize.client_side_validation = False
        self.operations = Operations(self._client, self._config, self._serialize, self._deserialize)
        self.open_shift_versions = OpenShiftVersionsOperations(
            self._client, self._config, self._serialize, self._deserialize
        )
        self.platform_workload_identity_role_sets = PlatformWorkloadIdentityRoleSetsOperations(
            self._client, self._config, self._serialize, self._deserialize
        )
        self.platform_workload_identity_role_set = PlatformWorkloadIdentityRoleSetOperations(
            self._client, self._config, self._serialize, self._deserialize
        )
        self.open_shift_clusters = OpenShiftClustersOperations(
            self._client, self._config, self._serialize, self._deserialize
        )

    def _send_request(
        self, request: HttpRequest, *, stream: bool = False, **kwargs: Any
    ) -> Awaitable[AsyncHttpResponse]:
        """Runs the network request through the client's chained policies.

        >>> from azure.core.rest import HttpRequest
        >>> request = HttpRequest("GET", "https://www.example.org/")
        <HttpRequest [GET], url: 'https://www.example.org/'>
        >>> response = await client._send_request(request)
        <AsyncHttpResponse: 200 OK>

        For more information on this code flow, see https://aka.ms/azsdk/dpcodegen/python/send_request

        :param request: The network request you want to make. Required.
        :type request: ~azure.core.rest.HttpRequest
        :keyword bool stream: Whether the response payload will be streamed. Defaults to False.
        :return: The response of your network call. Does not do error handling on your response.
        :rtype: ~azure.core.rest.AsyncHttpResponse
        """

        request_copy = deepcopy(request)
        request_copy.url = self._client.format_url(request_copy.url)
        return self._client.send_request(request_copy, stream=stream, **kwargs)  # type: ignore

    async def close(self) -> None:
        await self._client.close()

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *exc_details: Any) -> None:
        await self._client.__aexit__(*exc_details)
