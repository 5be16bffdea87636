"""The file of `touchstone api --config`: its types, and how it becomes a policy and integrations."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

import msgspec

from scenarios.files import yaml12
from scenarios.files.convert import convert
from scenarios.files.problems import Problem, TableErrors
from verifier.api.bodies import as_base64
from verifier.errors import OnboardingAsked, OnboardingRefused
from verifier.mapping import User
from verifier.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from verifier.api.registry import Registry

MAX_CERTIFICATE_BYTES = 256 * 1024


def _default(field: Any) -> Any:
    return field.default if field.default is not MISSING else field.default_factory()


_HINTS = get_type_hints(Policy)
PolicyConfig = msgspec.defstruct(
    "PolicyConfig",
    [(field.name, _HINTS[field.name], _default(field)) for field in fields(Policy)],
    forbid_unknown_fields=True,
)
"""`policy`: the fields of `verifier.Policy`, each with its default."""


class UserConfig(msgspec.Struct, forbid_unknown_fields=True):
    """One user."""

    name: str
    external_id: str | None
    active: bool = True
    claim: str = "sub"
    enrolled: bool = False
    api_access: bool = True


class CertificateConfig(msgspec.Struct, forbid_unknown_fields=True):
    """One certificate: the text of a PEM file, or the name of a file, seen from the folder of this one."""

    kid: str | None = None
    pem: str | None = None
    file: str | None = None


class IntegrationConfig(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One integration, in the words of the admin API, with its users."""

    id: str
    entity_id: str | None = None
    idp_name: str | None = None
    issuer: str | list[str] | None = None
    audience: str | list[str] | None = None
    sample_token: str | None = None
    algorithms: list[str] | None = None
    custom_claim: str | None = None
    leeway_s: int | None = None
    jwks_uri: str | None = None
    ca_file: str | None = None
    certificates: list[CertificateConfig] | None = None
    selected: list[str] | None = None
    public_keys: list[CertificateConfig] | None = None
    aud_from: Literal["aud", "client_id"] | None = None
    users: list[UserConfig] = []
    active: bool = True


class ApiConfig(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file."""

    policy: PolicyConfig = msgspec.field(default_factory=PolicyConfig)  # type: ignore[valid-type]  # made above
    integrations: list[IntegrationConfig] = []


class ConfigFile:
    """A configuration that was read; every mistake is a `TableErrors` at its place."""

    def __init__(self, path: str) -> None:
        """Read a file; OSError if it cannot be read."""
        with Path(path).open("rb") as file:
            self._document = yaml12.load(file.read(yaml12.MAX_BYTES + 1), path)
        self._folder = Path(path).parent
        self._config = ApiConfig() if self._document.value is None else convert(self._document, ApiConfig)

    @property
    def names_integrations(self) -> bool:
        """Whether there is an integration in the file."""
        return bool(self._config.integrations)

    def policy(self) -> Policy:
        """Return the policy that the file describes."""
        values = msgspec.structs.asdict(self._config.policy)
        try:
            return Policy(**values)
        except ValueError as fault:
            name = str(fault).partition(":")[0]
            raise self._mistake(("policy", name), str(fault)) from None

    def onboard(self, registry: Registry) -> Iterator[str]:
        """Set up the integrations of the file and yield what a person should read.

        An IdP that does not answer now is no mistake: its keys are fetched when the first token needs them (OPS-011).
        """
        for number, config in enumerate(self._config.integrations):
            path: yaml12.Path = ("integrations", number)
            users = [User(**msgspec.structs.asdict(one)) for one in config.users]
            document = self._document_of(config, path)
            try:
                warnings = registry.onboard(
                    document, users, active=config.active, first_fetch="tried"
                ).warnings
            except OnboardingRefused as refused:
                field = refused.field or "id"
                detail = f"{refused.reason}: {refused.detail}" if refused.detail else refused.reason
                raise self._mistake((*path, field), detail) from None
            except OnboardingAsked as asked:
                field = "selected" if asked.about == "selection" else "audience"
                raise self._mistake((*path, field), asked.detail) from None
            yield from (f"{self._document.place(path)}: {warning}" for warning in warnings)

    def _document_of(self, config: IntegrationConfig, path: yaml12.Path) -> dict[str, Any]:
        document: dict[str, Any] = msgspec.to_builtins(config)
        for name in ("users", "active"):
            document.pop(name, None)
        for form, files in (("certificates", config.certificates), ("public_keys", config.public_keys)):
            if files:
                document[form] = [self._file(one, (*path, form, number)) for number, one in enumerate(files)]
        return {name: value for name, value in document.items() if value is not None}

    def _file(self, config: CertificateConfig, path: yaml12.Path) -> dict[str, Any]:
        if (config.pem is None) == (config.file is None):
            raise self._mistake(path, "either 'pem' or 'file'")
        kid = {} if config.kid is None else {"kid": config.kid}
        if config.file is None:
            return {**kid, "pem": config.pem}
        try:
            with (self._folder / config.file).open("rb") as file:
                content = file.read(MAX_CERTIFICATE_BYTES + 1)
        except OSError as problem:
            raise self._mistake((*path, "file"), f"'{config.file}': {problem.strerror}") from None
        return {**kid, "name": Path(config.file).name, "pem_base64": as_base64(content)}

    def _mistake(self, path: yaml12.Path, message: str) -> TableErrors:
        return TableErrors([Problem(self._document.place(path), message)])
