"""Orders over the API: discounts and tax, payments, deliveries, returns and refunds."""

from tests.api.calls import errors, problem


def an_order(api, quantity=2, **fields):
    """A placed order of enamel mugs at 10.00."""
    sku = f"MUG-{quantity}-{len(fields)}"
    body = {"sku": sku, "name": "Mug", "price": "10.00", "opening_stock": 9}
    product = api.post("products/", body).json()["id"]
    wanted = [{"product": product, "quantity": quantity}]
    answer = api.post("orders/", {"lines": wanted, "place": True, **fields})
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_an_order_goes_its_whole_way_with_parts_of_everything(api, owner_api):
    rule = {"name": "VAT", "rate": "20.000", "country": "GB", "valid_from": "2020-01-01"}
    made = owner_api.post("tax-rules/", rule)
    assert (made.status_code, made.json()["rate"]) == (201, "20.000")
    problem(owner_api.post("tax-rules/", rule), 409, "tax_rule_taken")
    assert owner_api.patch("tax-settings/", {"country": "GB"}).json() == {
        "prices_include_tax": False,
        "country": "GB",
        "region": "",
    }
    member = api("member")
    problem(member.patch("tax-settings/", {"country": "FR"}), 403, "forbidden")
    order = an_order(member, discount_kind="percent", discount_value="10.00", shipping_total="2.00")
    path = f"orders/{order['id']}"
    sums = [
        order[name] for name in ("subtotal", "discount_total", "shipping_total", "tax_total", "total", "due")
    ]
    assert sums == ["20.00", "2.00", "2.00", "4.00", "24.00", "24.00"]
    assert [order["lines"][0][name] for name in ("discount", "tax", "net", "gross")] == [
        "2.00",
        "3.60",
        "18.00",
        "21.60",
    ]
    part = member.post(f"{path}/pay/", {"amount": "4.00", "method": "card", "pending": True}).json()
    payment = part["payments"][0]
    assert (part["payment_status"], payment["status"]) == ("unpaid", "pending")
    assert member.post(f"payments/{payment['id']}/succeed/").json()["status"] == "succeeded"
    problem(member.post(f"payments/{payment['id']}/fail/"), 409, "payment_settled")
    problem(member.post(f"{path}/pay/", {"amount": "20.01"}), 409, "too_much_paid")
    assert member.post(f"{path}/pay/").json()["status"] == "paid"
    line = order["lines"][0]["id"]
    sent = member.post(
        f"{path}/fulfil/", {"lines": [{"order_line": line, "quantity": 1}], "carrier": "DHL"}
    ).json()
    assert (sent["status"], sent["fulfilment_status"]) == ("paid", "partial")
    assert sent["fulfilments"][0]["lines"] == [{"order_line": line, "quantity": 1}]
    assert member.post(f"{path}/fulfil/").json()["fulfilment_status"] == "fulfilled"
    parcel = member.patch(f"fulfilments/{sent['fulfilments'][0]['id']}/", {"tracking_number": "00340"})
    assert parcel.json()["tracking_number"] == "00340"
    assert member.post(f"{path}/return/", {"note": "Too big"}).json()["fulfilment_status"] == "returned"
    problem(member.post(f"{path}/refund/", {"amount": "24.01"}), 409, "refund_too_high")
    refunded = member.post(f"{path}/refund/", {"amount": "24.00", "reason": "Returned"}).json()
    assert (refunded["payment_status"], refunded["refunded_total"]) == ("refunded", "24.00")
    assert len(member.get("payments/", kind="payment", order=order["id"]).json()["data"]) == 2
    assert len(member.get("fulfilments/", direction="return").json()["data"]) == 1


def test_a_placed_order_is_edited_with_its_difference(owner_api):
    order = an_order(owner_api, tags=["VIP"])
    path = f"orders/{order['id']}/"
    owner_api.post(f"{path}pay/")
    wanted = [{"product": order["lines"][0]["product"], "quantity": 3}]
    dearer = owner_api.post(f"{path}edit/", {"lines": wanted}).json()
    assert (dearer["status"], dearer["total"], dearer["due"]) == ("placed", "30.00", "10.00")
    cheaper = owner_api.post(f"{path}edit/", {"discount_kind": "amount", "discount_value": "15.00"}).json()
    assert (cheaper["status"], cheaper["refund_due"]) == ("paid", "5.00")
    assert owner_api.patch(path, {"tags": ["gift"]}).json()["tags"] == ["gift"]
    assert [
        found["id"] for found in owner_api.get("orders/", tag="gift", payment_status="paid").json()["data"]
    ] == [order["id"]]
    called_off = owner_api.post(f"{path}cancel/", {"note": "No", "restock": True}).json()
    assert (called_off["status"], called_off["refund_due"]) == ("cancelled", "20.00")
    assert errors(owner_api.post(f"{path}pay/", {"amount": "-1.00"})) == {"/amount": "min_value"}
    wrong = {"lines": [{"order_line": order["id"], "quantity": 0}]}
    assert errors(owner_api.post(f"{path}fulfil/", wrong)) == {"/lines/0/quantity": "min_value"}


def test_an_order_is_closed_without_its_rest(owner_api):
    order = an_order(owner_api)
    path = f"orders/{order['id']}/"
    problem(owner_api.post(f"{path}close-short/"), 409, "move_refused")
    owner_api.post(f"{path}pay/")
    owner_api.post(f"{path}fulfil/", {"lines": [{"order_line": order["lines"][0]["id"], "quantity": 1}]})
    closed = owner_api.post(f"{path}close-short/", {"note": "Sold out"}).json()
    assert (closed["status"], closed["unshipped_total"], closed["refund_due"]) == ("closed", "10.00", "10.00")
    assert owner_api.post(f"{path}refund/").json()["refund_due"] == "0.00"
