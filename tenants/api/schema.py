"""How the OpenAPI document is drawn from the views, and where it is served."""

# mypy: disallow-untyped-calls=False
# (drf-spectacular types only some of its functions)

from functools import cache
from inspect import cleandoc
from threading import Lock
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.settings import patched_settings
from rest_framework.request import Request

from tenants.api.described import headers_of
from tenants.api.described_reads import KNOWN, is_export, is_read, note_expansions, parameters_of
from tenants.api.openapi import PUBLIC_SPECTACULAR_SETTINGS
from tenants.api.problems import CONTENT_TYPE
from tenants.api.renderers import JSONRenderer, dump_json
from tenants.api.serializers import NoInput, TenantSerializer
from tenants.api.viewsets import TenantView
from tenants.context import PUBLIC, current
from tenants.portal import portal_public

Schema = dict[str, Any]
READS: Final = {"list": "List {}", "retrieve": "Show one of the {}"}
WRITES: Final = {"create": "perform_create", "partial_update": "perform_update", "destroy": "perform_destroy"}


class TenantSchema(AutoSchema):
    """Operations named after actions, bodies and answers taken from what the views declare."""

    @property
    def declared(self) -> Any:
        """The view, which is a TenantView or a TenantViewSet."""
        return self.view

    def get_operation_id(self) -> str:
        """Stable names: products_list, orders_place, auth_token_create."""
        action = getattr(self.declared, "action", None)
        if action is None:
            return str(super().get_operation_id())
        names = [name.replace("-", "_") for name in self._tokenize_path()]
        return "_".join([*(name for name in names if name != action), action])

    def get_summary(self) -> str:
        """What the operation does, from the documentation of the method that does it."""
        action = getattr(self.declared, "action", "")
        if action in READS:
            return READS[action].format(self._tokenize_path()[-1].replace("-", " "))
        return self._documentation().partition("\n")[0].rstrip(".")

    def get_description(self) -> str:  # type: ignore[override]  # as in the library's own class
        """The rest of the documentation, and the right that is needed."""
        action = getattr(self.declared, "action", self.method.lower())
        text = self._documentation()
        more = text if action in READS else text.partition("\n")[2].strip()
        verb = self.declared.verb_for(action, self.method)
        return "\n\n".join(filter(None, [more, f"Needs `{verb}`." if verb else ""]))

    def get_request_serializer(self) -> Any:
        """What the action takes; nothing at all when it needs nothing."""
        if not hasattr(self.declared, "action"):
            return getattr(self.declared, "input_class", None)
        shape = self.declared.inputs.get(self.declared.action, self.declared.serializer_class)
        return None if shape is NoInput else shape

    def get_response_serializers(self) -> Any:
        """What the action answers, under its status."""
        if not hasattr(self.declared, "action"):
            status = getattr(self.declared, "status", 200)
            return {status: None if status == 204 else self.declared.output_class}
        if is_read(self.declared, self.method):
            return {200: self.declared.get_serializer_class(), 304: KNOWN}
        status = self.declared.statuses.get(self.declared.action, 200)
        return {status: None if status == 204 else self.declared.get_serializer_class()}

    def get_override_parameters(self) -> list[Any]:
        """The headers that the operation takes and tells."""
        is_reading = is_read(self.declared, self.method) or is_export(self.declared)
        reading = parameters_of(self.declared) if is_reading else []
        asked = getattr(self.declared, "query_class", None)
        return [*headers_of(self.declared, self.method), *reading, *([asked] if asked else [])]

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation = super().get_operation(*args, **kwargs)
        if operation is not None and is_read(self.declared, self.method):
            note_expansions(operation, self)
        return operation

    def get_filter_backends(self) -> list[Any]:
        """An export takes what its list takes."""
        if is_export(self.declared):
            return list(self.declared.filter_backends)
        return list(super().get_filter_backends())

    def is_deprecated(self) -> bool:
        """Whether the view declares that the operation will go away."""
        action = getattr(self.declared, "action", None) or self.method.lower()
        return self.declared.deprecation_of(action) is not None

    def _documentation(self) -> str:
        action = getattr(self.declared, "action", None) or self.method.lower()
        described = getattr(self.declared, WRITES.get(action, action), None)
        text = (described.__doc__ if action not in READS else None) or type(self.declared).__doc__ or ""
        return cleandoc(text)

    def _postprocess_serializer_schema(self, schema: Schema, serializer: Any, direction: str) -> Schema:
        """Answers hold every field; bodies hold no others."""
        done: Schema = super()._postprocess_serializer_schema(schema, serializer, direction)
        if direction == "response" and "properties" in done:
            done["required"] = sorted(done["properties"])
        if direction == "request" and isinstance(serializer, TenantSerializer):
            done["additionalProperties"] = False
        return done


class CredentialScheme(OpenApiAuthenticationExtension):
    """The three credentials, each enough by itself."""

    target_class = "tenants.users.authentication.TenantAuthentication"
    name = ["accessToken", "apiToken", "session"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[str]]]:
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[Schema]:
        people = "An access token from POST /api/v1/auth/token/; good for some minutes."
        programs = "An API token (`rwh_…`), limited to its scopes."
        browsers = "The portal's session; writes need the X-CSRFToken header as well."
        return [
            {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": people},
            {"type": "http", "scheme": "bearer", "bearerFormat": "rwh_", "description": programs},
            {"type": "apiKey", "in": "cookie", "name": "__Host-session", "description": browsers},
        ]


class MoneySchema(OpenApiSerializerFieldExtension):
    """Amounts are strings, written plainly."""

    target_class = "tenants.api.fields.MoneyField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Schema:
        field = self.target
        whole = field.max_digits - field.decimal_places
        sign = "" if field.min_value is not None and field.min_value >= 0 else "-?"
        pattern = rf"^{sign}[0-9]{{1,{whole}}}(\.[0-9]{{1,{field.decimal_places}}})?$"
        return {"type": "string", "format": "decimal", "pattern": pattern, "examples": ["12.50"]}


class ChoiceSchema(OpenApiSerializerFieldExtension):
    """Lists of words are components of their own, named by the field."""

    target_class = "tenants.api.fields.ChoiceField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Schema:
        component = ResolvedComponent(
            name=self.target.enum,
            type=ResolvedComponent.SCHEMA,
            object=self.target.enum,
            schema={"type": "string", "enum": list(self.target.choices)},
        )
        auto_schema.registry.register_on_missing(component)
        reference: Schema = component.ref
        empty = {"type": "string", "maxLength": 0}
        return {"oneOf": [reference, empty]} if self.target.may_be_empty else reference


def describe_problems(
    result: Schema, generator: SchemaGenerator, request: Request | None, public: bool
) -> Schema:
    """Let every operation answer with a problem where it does not answer with what was asked for."""
    parts = result.setdefault("components", {})
    parts.setdefault("schemas", {}).update(Problem=PROBLEM, ProblemError=PROBLEM_ERROR)
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    parts["responses"] = {"Problem": {"description": PROBLEMS, "content": content}}
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
    return result


PROBLEMS: Final = (
    "A problem (RFC 9457). 400: the body cannot be read. 401: no valid credential. 402: the plan, or what is owed, "
    "does not allow it. 403: the credential does not include the right, or the workspace is closed. 404: nothing with "
    "this id. 405, 406, 413, 415: the method, the wanted or the sent form. 409: the present state does not allow it. "
    "412, 428: If-Match names another state, or is needed. 422: the input is wrong, as `errors` says. 429: too often; "
    "see Retry-After. 503: try again; see Retry-After."
)
PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "A problem. Programs compare `code`; `detail` is written for people and may change.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemError"}},
    },
    "additionalProperties": True,
}
PROBLEM_ERROR: Final[Schema] = {
    "type": "object",
    "description": "One thing that was wrong with the input.",
    "required": ["pointer", "in", "code", "detail"],
    "properties": {
        "pointer": {
            "type": "string",
            "description": "A JSON pointer into the body, or /name of a parameter.",
        },
        "in": {"type": "string", "enum": ["body", "query", "header"]},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
}


# Serving it


class YamlRenderer(OpenApiYamlRenderer):
    """application/yaml, the registered name (RFC 9512)."""

    media_type = "application/yaml"


class SchemaView(TenantView):
    """The OpenAPI document, as JSON or, where asked for by Accept, as YAML."""

    public_because = "the description of the API holds nobody's data"
    authentication_classes = ()
    renderer_classes = (JSONRenderer, YamlRenderer)
    schema = None

    def get(self, request: Request) -> HttpResponse:
        """The same for every tenant, hence drawn once in each process; the public host has one of its own."""
        renderer = request.accepted_renderer
        drawn = document(renderer.format, is_public=current.get() is PUBLIC)
        return HttpResponse(drawn, content_type=renderer.media_type)


# The library's settings are the whole process's while the public host's document is drawn.
_drawing: Final = Lock()


@cache
def document(form: str, *, is_public: bool = False) -> bytes:
    """The OpenAPI document of the tenants' API, or of the public host's, written as `json` or `yaml`."""
    with _drawing:
        drawn = _public_document() if is_public else SchemaGenerator().get_schema(request=None, public=True)
    return dump_json(drawn) if form == "json" else YamlRenderer().render(drawn, renderer_context={})


def _public_document() -> Schema:
    with patched_settings(PUBLIC_SPECTACULAR_SETTINGS):
        generator = SchemaGenerator(urlconf=settings.PUBLIC_URLCONF)
        drawn: Schema = generator.get_schema(request=None, public=True)
    return drawn


@portal_public("the description of the API holds nobody's data")
def docs(request: HttpRequest) -> HttpResponse:
    """The API's documentation, to be read and tried out; everything it loads comes from this host."""
    return render(request, "api/docs.html")
