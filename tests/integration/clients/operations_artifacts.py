"""Checks of the operations about artifacts."""

from __future__ import annotations

import json
from typing import Any

from highway_sdk import api as sdk_api

from tests.integration.clients.operations_table import Cast, covers
from tests.support.archives import zipped

ARTIFACTS = "/api/v1/artifacts"
ARTIFACT = f"{ARTIFACTS}/{{artifact_id}}"
CONTENT = zipped({"of_sdk.py": "def f(ctx): return 1"})


def _upload(cast: Cast) -> dict[str, Any]:
    """The client's method has no place for a body: it is put into the request that the client has made."""
    api = sdk_api.ArtifactsApi(cast.owner.client)
    hidden = {"_request_auth": None, "_content_type": None, "_headers": None, "_host_index": 0}
    method, address, headers, _, _ = api._post_api_v1_artifacts_serialize(**hidden)
    headers = headers | {"Content-Type": "application/zip"}
    answer = cast.owner.client.call_api(method, address, headers, CONTENT)
    told: dict[str, Any] = json.loads(answer.read())
    assert answer.status == 201, told
    return told


@covers(f"POST {ARTIFACTS}", f"GET {ARTIFACTS}", f"GET {ARTIFACT}", f"GET {ARTIFACT}/exists", f"DELETE {ARTIFACT}")
def keep_code(cast: Cast) -> None:
    stored = _upload(cast)
    artifact_id = stored["artifact_id"]
    assert (stored["size"], stored["data"]) == (len(CONTENT), {"artifact_id": artifact_id, "size": len(CONTENT)})
    assert artifact_id in cast.owner.call(f"GET {ARTIFACTS}")["artifacts"]
    assert cast.owner.call(f"GET {ARTIFACT}/exists", artifact_id)["exists"] is True
    api = sdk_api.ArtifactsApi(cast.owner.client)
    raw = api.get_api_v1_artifactsartifact_id_without_preload_content(artifact_id)
    assert (raw.status, raw.data) == (200, CONTENT)
    assert cast.owner.call(f"DELETE {ARTIFACT}", artifact_id)["artifact_id"] == artifact_id
    assert cast.owner.refused(f"GET {ARTIFACT}", artifact_id) == (404, "not_found")
    assert cast.owner.call(f"GET {ARTIFACT}/exists", artifact_id)["exists"] is False
