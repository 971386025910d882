"""
Assets in the stand-in of Jira: objects with their attributes, and the fields of issues that refer to them.

In the Cloud it is at the gateway, below the id of the workspace, and ids are texts; in Data Center it is below
/rest/assets, ids are numbers, and objects are found by their keys as well.
"""

from .wire import Refused, Reply, route

CLOUD_TYPE = "com.atlassian.jira.plugins.cmdb:cmdb-object-cftype"
DATA_CENTER_TYPE = "com.riadalabs.jira.plugins.insight:rlabs-customfield-default-object"
SCHEMA = 6
OBJECT_TYPE = 23


class AssetRoutes:
    """The routes, for JiraStandIn."""

    @property
    def asset_type(self):
        """The type of fields that refer to objects."""
        return CLOUD_TYPE if self.is_cloud else DATA_CENTER_TYPE

    def reference(self, asset):
        """What a field has of an object."""
        if not self.is_cloud:
            return {"key": asset.key}
        return {"workspaceId": self.workspace_id, "id": f"{self.workspace_id}:{asset.id}", "objectId": asset.id}

    @route("GET", "/rest/servicedeskapi/assets/workspace")
    def workspaces(self, request):
        if not self.is_cloud:
            raise self.unknown(request)
        self._licensed()
        values = [{"workspaceId": self.workspace_id}]
        return Reply(200, {"size": 1, "start": 0, "limit": 50, "isLastPage": True, "values": values})

    @route("GET", "/jsm/assets/workspace/{workspace}/v1/object/{number}")
    def cloud_object(self, request, workspace, number):
        self._at_workspace(request, workspace)
        return Reply(200, self._shown_asset(self.assets.get(number), number))

    @route("GET", "/jsm/assets/workspace/{workspace}/v1/objectschema/list")
    def cloud_schemas(self, request, workspace):
        self._at_workspace(request, workspace)
        values = [{"workspaceId": workspace, "id": str(SCHEMA), "name": "Packages", "objectSchemaKey": "CMDB"}]
        return Reply(200, {"startAt": 0, "maxResults": 25, "total": 1, "isLast": True, "values": values})

    @route("GET", "/jsm/assets/workspace/{workspace}/v1/objectschema/{schema}/attributes")
    def cloud_attributes(self, request, workspace, schema):
        self._at_workspace(request, workspace)
        return self._attributes_of(schema)

    @route("GET", "/rest/assets/1.0/object/{number}")
    def server_object(self, request, number):
        self._at_data_center(request)
        keys = {asset.key: asset for asset in self.assets.values()}
        return Reply(200, self._shown_asset(self.assets.get(number) or keys.get(number), number))

    @route("GET", "/rest/assets/1.0/objectschema/list")
    def server_schemas(self, request):
        self._at_data_center(request)
        return Reply(200, {"objectschemas": [{"id": SCHEMA, "name": "Packages", "objectSchemaKey": "CMDB"}]})

    @route("GET", "/rest/assets/1.0/objectschema/{schema}/attributes")
    def server_attributes(self, request, schema):
        self._at_data_center(request)
        return self._attributes_of(schema)

    def _at_workspace(self, request, workspace):
        if not self.is_cloud:
            raise self.unknown(request)
        self._licensed()
        if workspace != self.workspace_id:
            raise Refused(404, {"errorMessages": ["No workspace was found with the given id."], "errors": {}})

    def _at_data_center(self, request):
        if self.is_cloud:
            raise self.unknown(request)
        self._licensed()

    def _licensed(self):
        if not self.has_assets:
            raise Refused(403, {"errorMessages": ["The site has no licence for Assets."], "errors": {}})

    def _attributes_of(self, schema):
        if schema != str(SCHEMA):
            raise Refused(404, {"errorMessages": ["No object schema was found."], "errors": {}})
        return Reply(200, [self._attribute(name) for name in self._attribute_names()])

    def _attribute_names(self):
        return ["Key", *dict.fromkeys(name for asset in self.assets.values() for name in asset.attributes)]

    def _attribute(self, name):
        number = 134 + self._attribute_names().index(name)
        return {
            **self._asset_ids(number),
            "name": name,
            "label": False,
            "type": 0,
            "defaultType": {"id": 0, "name": "Text"},
        }

    def _asset_ids(self, number):
        if not self.is_cloud:
            return {"id": int(number)}
        return {"workspaceId": self.workspace_id, "globalId": f"{self.workspace_id}:{number}", "id": str(number)}

    def _shown_asset(self, asset, number):
        if asset is None:
            text = f"No object was found with the id {number}."
            raise Refused(404, {"errorMessages": [text], "errors": {}})
        values = {"Key": [asset.key], **asset.attributes}
        attributes = [
            {
                **self._asset_ids(637 + place),
                "objectTypeAttribute": self._attribute(name),
                "objectTypeAttributeId": self._attribute(name)["id"],
                "objectAttributeValues": [self._shown_value(value) for value in held],
                "objectId": self._asset_ids(asset.id)["id"],
            }
            for place, (name, held) in enumerate(values.items())
        ]
        kind = {**self._asset_ids(OBJECT_TYPE), "name": "Package", "objectSchemaId": self._asset_ids(SCHEMA)["id"]}
        return {**self._asset_ids(asset.id), "label": asset.key, "objectKey": asset.key, "objectType": kind,
                "hasAvatar": False, "attributes": attributes}  # fmt: skip

    def _shown_value(self, value):
        if isinstance(value, str):
            return {"value": value, "displayValue": value, "searchValue": value, "referencedType": False}
        other = {**self._asset_ids(value.id), "label": value.key, "objectKey": value.key}
        return {"displayValue": value.key, "searchValue": value.key, "referencedType": True, "referencedObject": other}
