"""Every write to the pictures of products, and the signed addresses of their files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, Final
from uuid import UUID

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from billing.limits.storing import require_storage
from tenant_apps.products.models import Image, Product
from tenant_apps.products.pictures import Picture, read_picture
from tenant_apps.products.writing import clean_line, locked
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import current_tenant
from tenants.errors import Conflict, Invalid
from tenants.files import signed_url
from tenants.hosts import address_at
from tenants.storage import tenant_storage

MOST_IMAGES: Final = 20
GOOD_FOR: Final = timedelta(hours=24)


class TooManyImages(Conflict):
    code = "too_many_images"
    title = "The product has all the pictures it can have"


def add_image(*, actor: Actor, product: Product, file: IO[bytes], alt: str = "") -> Image:
    """Put a picture behind the others of a product; the first one stands for it."""
    alt = clean_line(alt, field="alt", most=250, needed=False)
    # Decoding takes longest and needs no lock.
    picture = read_picture(file)
    with transaction.atomic():
        require_storage(picture.size_of_all, way_on="remove pictures")
        product = locked(product)
        image = Image(
            product=product,
            position=_next_position(product),
            alt=alt,
            width=picture.width,
            height=picture.height,
            size=picture.size,
        )
        image.save(force_insert=True)
        _touch(product)
        record(actor=actor, verb="product.image_added", target=product, data={"image": str(image.pk)})
        _keep_files(image, picture)
    return image


@transaction.atomic
def change_image(*, actor: Actor, image: Image, alt: str | None = None, position: int | None = None) -> Image:
    """Say what a picture shows, or give it another place; place 0 makes it stand for the product."""
    product = locked(image.product)
    image = locked(image)
    changes: dict[str, object] = {}
    if alt is not None and (cleaned := clean_line(alt, field="alt", most=250, needed=False)) != image.alt:
        image.alt = cleaned
        image.save(update_fields=["alt", "updated_at"])
        changes["alt"] = cleaned
    if position is not None and position != image.position:
        image = _moved(product, image, position)
        changes["position"] = image.position
    if changes:
        _touch(product)
        data = {"image": str(image.pk), **changes}
        record(actor=actor, verb="product.image_changed", target=product, data=data)
    return image


@transaction.atomic
def remove_image(*, actor: Actor, image: Image) -> None:
    """Take a picture away; its files go after the commit."""
    product = locked(image.product)
    image = locked(image, deleting=True)
    paths, key = image.paths, image.pk
    image.delete()
    _renumber(list(product.images.all()))
    _touch(product)
    record(actor=actor, verb="product.image_removed", target=product, data={"image": str(key)})
    transaction.on_commit(lambda: _drop(paths), robust=True)


def primary_images(products: Iterable[Product]) -> dict[UUID, Image]:
    """The picture that stands for each of these products; a variant without one has its parent's."""
    parents = {product.pk: product.parent_id for product in products}
    wanted = {*parents, *(parent for parent in parents.values() if parent)}
    found = {image.product_id: image for image in Image.objects.filter(product__in=wanted, position=0)}
    pairs = {
        key: found.get(key) or (found.get(parent) if parent else None) for key, parent in parents.items()
    }
    return {key: image for key, image in pairs.items() if image is not None}


def image_path(image: Image, size: int | None = None) -> str:
    """The signed address of a picture's file, as a path on the tenant's host."""
    name = slugify(image.alt)[:60] or "image"
    return signed_url(
        image.path(size), filename=f"{name}.webp", content_type="image/webp", inline=True, good_for=GOOD_FOR
    )


def image_url(image: Image, size: int | None = None) -> str:
    """The same with the host, for programs."""
    return address_at(current_tenant().host, image_path(image, size))


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture with the addresses that a page needs."""

    image: Image
    alt: str
    thumb: str
    full: str


def gallery(product: Product) -> list[Shown]:
    """The pictures of a product; those of its parent where a variant has none."""
    images = list(product.images.all())
    if not images and product.parent_id:
        images = list(Image.objects.filter(product=product.parent_id))
    return [
        Shown(
            image,
            image.alt or f"Picture {image.position + 1} of {product.name}",
            image_path(image, 320),
            image_path(image),
        )
        for image in images
    ]


def thumbs(products: Iterable[Product]) -> dict[UUID, str]:
    """The addresses of the smallest pictures that stand for these products."""
    return {key: image_path(image, min(Image.SIZES)) for key, image in primary_images(products).items()}


def _next_position(product: Product) -> int:
    count = product.images.count()
    if count >= MOST_IMAGES:
        raise TooManyImages(f"{product.sku} has {count} pictures; {MOST_IMAGES} fit. Remove one first.")
    return count


def _keep_files(image: Image, picture: Picture) -> None:
    """Write the files before the commit, so that no row is ever without them; take them back if one fails."""
    contents = [(None, picture.full), *picture.smaller.items()]
    storage, kept = tenant_storage(), []
    try:
        for size, content in contents:
            kept.append(storage.save(image.path(size), ContentFile(content)))
    except BaseException:
        _drop(kept)
        raise


def _drop(paths: Sequence[str]) -> None:
    storage = tenant_storage()
    for path in paths:
        storage.delete(path)


def _moved(product: Product, image: Image, position: int) -> Image:
    others = [each for each in product.images.all() if each.pk != image.pk]
    if not 0 <= position <= len(others):
        raise Invalid(
            f"The place must be a number from 0 to {len(others)}, not {position}.", field="position"
        )
    others.insert(position, image)
    _renumber(others)
    return image


def _renumber(images: Sequence[Image]) -> None:
    now = timezone.now()
    moved = [image for place, image in enumerate(images) if image.position != place]
    for place, image in enumerate(images):
        image.position = place
    for image in moved:
        image.updated_at = now
    Image.objects.bulk_update(moved, ["position", "updated_at"])


def _touch(product: Product) -> None:
    product.save(update_fields=["updated_at"])
