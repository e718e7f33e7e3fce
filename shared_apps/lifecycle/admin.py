"""What operators see of whole tenants: operations with their progress, archives, certificates, and how to begin."""

import json
from collections.abc import Callable
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import action, display

from shared_apps.clients.admin import ClientAdmin
from shared_apps.clients.models import Client
from shared_apps.lifecycle import services
from shared_apps.lifecycle.deleting import is_genuine, preview_deletion
from shared_apps.lifecycle.models import DeletionCertificate, Operation
from tenants.audit.actors import actor_of
from tenants.errors import DomainError
from tenants.users.operators import ReadOnly, operators

BOX: Final = "border border-base-200 rounded-default w-full px-3 py-2 dark:bg-base-900 dark:border-base-700"
Status = Client.Status


def _text(**more: Any) -> forms.CharField:
    return forms.CharField(widget=forms.TextInput(attrs={"class": BOX, "autocomplete": "off"}), **more)


class CopyForm(forms.Form):
    """Where the sandbox shall be, and who may enter it."""

    subdomain = _text(max_length=63, label="Subdomain of the sandbox")
    owner_email = forms.EmailField(
        max_length=254,
        label="E-mail of the one person who may sign in",
        widget=forms.EmailInput(attrs={"class": BOX}),
    )


class DeleteForm(forms.Form):
    """The confirmation of a deletion."""

    typed_name = _text(max_length=63, label="Type its subdomain to confirm")
    with_export = forms.BooleanField(required=False, initial=True, label="Write an archive before the end")
    immediately = forms.BooleanField(
        required=False, label="Now, without the time in which it can be called off"
    )


class RestoreForm(forms.Form):
    """What the new tenant shall be called."""

    subdomain = _text(max_length=63, label="Subdomain of the new tenant")
    name = _text(max_length=120, label="Its name, if not the old one", required=False)


class ReplaceForm(forms.Form):
    """The confirmation that present rows go."""

    typed_name = _text(max_length=63, label="Type its subdomain to confirm")


class Asking:
    """Pages that ask before they do something."""

    def ask(
        self,
        request: HttpRequest,
        *,
        title: str,
        text: str,
        do: Callable[[dict[str, Any]], Any] | None,
        back: str,
        form: forms.Form | None = None,
        counted: dict[str, Any] | None = None,
        caption: str = "What would go",
        danger: bool = False,
        then: str = "operators:lifecycle_operation_changelist",
    ) -> HttpResponse:
        """Show a form; do it when it is sent, and tell what was wrong where it cannot be done.

        Without something to do the page only shows how things stand.
        """
        if request.method == "POST" and do is not None and (form is None or form.is_valid()):
            try:
                do(form.cleaned_data if form else {})
            except DomainError as error:
                if form is not None and error.field in form.fields:
                    form.add_error(error.field, error.detail)
                else:
                    messages.error(request, error.detail)
            else:
                return redirect(then)
        context = {
            "title": title,
            "text": text,
            "form": form,
            "counted": counted,
            "caption": caption,
            "danger": danger,
            "is_to_do": do is not None,
            "back": back,
        }
        return render(request, "admin/lifecycle/ask.html", {**operators.each_context(request), **context})


class WholeClientAdmin(Asking, ClientAdmin):
    """Tenants, with what can be done with one as a whole."""

    actions_detail: tuple[Any, ...] = (
        *ClientAdmin.actions_detail,
        "export_whole",
        "copy_whole",
        "delete_whole",
        "keep_whole",
    )

    def has_export_whole_permission(self, request: HttpRequest, object_id: str) -> bool:
        return self._in(object_id, Status.PROVISIONING)

    def has_copy_whole_permission(self, request: HttpRequest, object_id: str) -> bool:
        return self._in(object_id, Status.PROVISIONING, Status.DELETING)

    def has_delete_whole_permission(self, request: HttpRequest, object_id: str) -> bool:
        return self._in(object_id, Status.PROVISIONING, Status.MAINTENANCE)

    def has_keep_whole_permission(self, request: HttpRequest, object_id: str) -> bool:
        return self._in(object_id, *(status for status in Status if status != Status.DELETING))

    def _in(self, object_id: str, *excluded: str) -> bool:
        try:
            return Client.objects.filter(pk=object_id).exclude(status__in=excluded).exists()
        except ValidationError:  # an address typed by hand
            return False

    @action(description="Export", permissions=["export_whole"], url_path="export")
    def export_whole(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have the tenant written into one file."""
        client = Client.objects.get(pk=object_id)
        return self.ask(
            request,
            title=f"Export {client.name}",
            text="Rows and files go into one archive, as they are at one moment. The tenant goes on working.",
            do=lambda _: services.export_client(client_id=client.pk, actor=actor_of(request)),
            back=_page(client),
        )

    @action(description="Copy as a sandbox…", permissions=["copy_whole"], url_path="copy")
    def copy_whole(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have the tenant copied."""
        client = Client.objects.get(pk=object_id)
        form = CopyForm(request.POST or None, initial={"subdomain": f"{client.subdomain}-sandbox"})
        return self.ask(
            request,
            title=f"Copy {client.name} as a sandbox",
            text="Rows and files are copied. Passwords, tokens, sessions and the history stay behind, and addresses of "
            "people and customers are replaced. One person gets a letter with which to enter.",
            do=lambda given: services.copy_client(client_id=client.pk, actor=actor_of(request), **given),
            back=_page(client),
            form=form,
        )

    @action(description="Delete…", permissions=["delete_whole"], url_path="remove")
    def delete_whole(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what would go, and ask for the name."""
        client = Client.objects.get(pk=object_id)
        return self.ask(
            request,
            title=f"Delete {client.name}",
            text="Its doors close at once. Everything below goes when the time is over; until then it can be kept.",
            do=lambda given: services.request_deletion(client_id=client.pk, actor=actor_of(request), **given),
            back=_page(client),
            form=DeleteForm(request.POST or None),
            counted=_counted(client),
            danger=True,
        )

    @action(description="Keep…", permissions=["keep_whole"], url_path="keep")
    def keep_whole(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Call its deletion off."""
        client = Client.objects.get(pk=object_id)
        return self.ask(
            request,
            title=f"Keep {client.name}",
            text="Its deletion is called off. It is archived then: reopen it to let people in.",
            do=lambda _: services.keep_client(client_id=client.pk, actor=actor_of(request)),
            back=_page(client),
            then=_page(client),
        )


class OperationAdmin(Asking, ReadOnly):
    """Exports, restores, copies and deletions, with how far each has come."""

    list_display = ("created_at", "kind", "tenant_label", "state", "progress", "size", "requested_by")
    list_filter = ("kind", "status", "created_at")
    search_fields = ("tenant_label", "tenant_id", "made_id", "file_name", "requested_by")
    fields = (
        "kind", "status", "tenant_label", "tenant_id", "made_id", "requested_by", "progress", "at", "error",
        "file_name", "size", "file_sha256", "attempts", "created_at", "started_at", "heartbeat_at", "finished_at",
    )  # fmt: skip
    readonly_fields = ("progress", "size")
    actions_detail = ("download", "restore_new", "put_back")

    @display(
        description="Status",
        label={"Done": "success", "Failed": "danger", "Running": "info", "Waiting": "warning"},
    )
    def state(self, operation: Operation) -> str:
        return operation.get_status_display()

    @display(description="Progress")
    def progress(self, operation: Operation) -> str:
        done = f"{operation.rows_done:,} rows"
        return f"{operation.percent} % ({done})" if operation.rows_total else done

    @display(description="Size")
    def size(self, operation: Operation) -> str:
        return filesizeformat(operation.file_size) if operation.file_size else "–"

    def has_download_permission(self, request: HttpRequest, object_id: str) -> bool:
        operation = self._operation(object_id)
        return operation is not None and operation.is_downloadable

    has_restore_new_permission = has_download_permission

    def has_put_back_permission(self, request: HttpRequest, object_id: str) -> bool:
        operation = self._operation(object_id)
        return bool(operation and operation.is_downloadable and _tenant_of(operation))

    def _operation(self, object_id: str) -> Operation | None:
        try:
            return Operation.objects.filter(pk=object_id).first()
        except ValidationError:  # an address typed by hand
            return None

    @action(description="Download", permissions=["download"], url_path="download")
    def download(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The archive; that it was taken away is written down."""
        path = services.note_download(operation=Operation.objects.get(pk=object_id), actor=actor_of(request))
        return FileResponse(path.open("rb"), as_attachment=True, filename=path.name)  # type: ignore[return-value]

    @action(description="Restore as a new tenant…", permissions=["restore_new"], url_path="restore")
    def restore_new(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have the archive made into a tenant of its own."""
        operation = Operation.objects.get(pk=object_id)
        return self.ask(
            request,
            title=f"Restore {operation.file_name} as a new tenant",
            text="A new tenant gets the rows and files of the archive, with the ids they had. Nobody else is touched.",
            do=lambda given: services.restore_client(
                archive=_archive(operation), actor=actor_of(request), **given
            ),
            back=_page(operation),
            form=RestoreForm(request.POST or None),
        )

    @action(description="Put back into its tenant…", permissions=["put_back"], url_path="put-back")
    def put_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have the tenant's present rows and files replaced by the archive's."""
        operation = Operation.objects.get(pk=object_id)
        client = _tenant_of(operation)
        assert client is not None, "its permission asks for the tenant"
        return self.ask(
            request,
            title=f"Put {operation.file_name} back into {client.name}",
            text="All rows and files that the tenant has now are replaced in one step. It is in maintenance meanwhile.",
            do=lambda given: services.replace_client(
                archive=_archive(operation), client_id=client.pk, actor=actor_of(request), **given
            ),
            back=_page(operation),
            form=ReplaceForm(request.POST or None),
            danger=True,
        )


class CertificateAdmin(ReadOnly):
    """What went with each deleted tenant."""

    list_display = ("issued_at", "tenant_label", "tenant_id", "genuine")
    search_fields = ("tenant_label", "tenant_id")
    fields = ("tenant_label", "tenant_id", "issued_at", "genuine", "seal", "readable")
    readonly_fields = ("genuine", "readable")

    @display(description="Genuine", boolean=True)
    def genuine(self, certificate: DeletionCertificate) -> bool:
        return is_genuine(certificate)

    @display(description="Content")
    def readable(self, certificate: DeletionCertificate) -> str:
        text = json.dumps(certificate.content, indent=2, ensure_ascii=False)
        return format_html('<pre class="overflow-x-auto">{}</pre>', text)


def _tenant_of(operation: Operation) -> Client | None:
    return Client.objects.filter(pk=operation.tenant_id).first() if operation.tenant_id else None


def _archive(operation: Operation) -> Any:
    return operation.archive


def _page(of: Client | Operation) -> str:
    name = f"operators:{of._meta.app_label}_{of._meta.model_name}_change"
    return reverse(name, args=[of.pk])


def _counted(client: Client) -> dict[str, Any]:
    found = preview_deletion(client)
    return {
        "Rows": f"{found.rows:,}",
        "People": found.people,
        "API tokens": found.api_tokens,
        "Files": f"{found.files} ({filesizeformat(found.file_bytes)})",
        "Host names": ", ".join(found.domains),
        "Sandboxes that stay": ", ".join(found.sandboxes) or "none",
    }


operators.unregister(Client)
operators.register(Client, WholeClientAdmin)
operators.register(Operation, OperationAdmin)
operators.register(DeletionCertificate, CertificateAdmin)
