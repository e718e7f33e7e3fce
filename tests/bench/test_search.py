"""The search benchmark: its arithmetic, and that it asks every list of the product."""

from bench import asking, search
from bench.search import Asked, report
from tenants.context import Tenant, unit_of_work
from tests.products.builders import a_product


def test_a_list_is_as_slow_as_the_slowest_of_its_questions() -> None:
    quick, slow = [1.0] * 20, [200.0] * 18 + [400.0, 900.0]
    found = report(
        1_200,
        [
            Asked("product_word", "mug", [25.0] * 20, quick),
            Asked("api orders/", "", quick, quick),
            Asked("api orders/", "ordering=total", slow, quick),
        ],
    )
    word, orders = found.results
    assert (word.name, word.ours, word.limit, word.ratio_to_limit) == ("product_word", 25.0, 50.0, 2.0)
    assert (orders.name, orders.ours, orders.limit, orders.ratio_to_limit) == (
        "api orders/",
        400.0,
        100.0,
        0.25,
    )
    assert any("Of 1,200 questions 1 are above" in note for note in found.notes)


def test_a_shop_is_asked_in_every_order_by_every_filter_and_answers(acme: Tenant, globex: Tenant) -> None:
    with unit_of_work(acme):
        a_product()
    visitors = [asking.Visitor.of(tenant) for tenant in (acme, globex)]
    lists = {path for path, _ in asking.list_routes()}
    assert {"api/v1/orders/", "api/v1/products/", "api/v1/locations/"} <= lists
    asked = [one for one in asking.searches(visitors[0]) if one.of in {"product_word", "everywhere_word"}]
    stocked = asking.api_lists(visitors[0], is_long=True)
    asked += [one for one in stocked if one.of == "api api/v1/stock/" and "low" in one.says]
    told = asking.measure(asked, 1)
    assert len(told) == 6
    assert all(len(one["ms"]) == len(one["cpu_ms"]) == 1 for one in told)
    assert len(asking.slowest_of(asked, told)) == 5
    assert search.LIST_MS == 2 * search.SEARCH_MS
