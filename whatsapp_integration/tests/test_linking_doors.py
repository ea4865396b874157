"""What a manager may ask of a linked phone over REST, and what a form's save leaves alone. No browser: the worker is a row."""

import base64
import socket
import time

import frappe

from whatsapp_integration.api import devices
from whatsapp_integration.core.link_code import LinkCode
from whatsapp_integration.host.site import SiteHost
from whatsapp_integration.services import devices as device_service
from whatsapp_integration.store import leases
from whatsapp_integration.store import workers as worker_rows
from whatsapp_integration.store.bulk import micros
from whatsapp_integration.store.keys import DEVICE, LEASE, WORKER
from whatsapp_integration.tests.compat import SiteTestCase
from whatsapp_integration.tests.rows import make_device, make_message, make_user

PHONE = "_WA Linked Phone"
USER = "wa-linking-user@example.com"
WORKER_NAME = "_wa-test-worker"
MANAGER = "wa-linking-manager@example.com"
NUMBER = "+201001234567"
QR_TEXT = "2@q8Zm3JtV0xY,pub+Key/one=,pub+Key/two=,wa-secret-of-the-link="
PAIRING_CODE = "K7XQ92MD"
LINKED = {"linked_since": "2026-11-01 10:00:00", "linked_host": "worker-1", "wanted_state": "Connected"}


class LinkingTestCase(SiteTestCase):
	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		make_user(USER, "WhatsApp User")
		make_user(MANAGER, "WhatsApp Manager")
		cls.host = SiteHost()

	def setUp(self):
		frappe.db.savepoint("begin")
		frappe.db.delete(WORKER)
		self.phone = self.make_phone(PHONE)
		frappe.set_user(MANAGER)

	def tearDown(self):
		frappe.set_user("Administrator")
		self.host.keep_link_code(PHONE, None)
		frappe.db.rollback(save_point="begin")

	def make_phone(self, name: str, **values):
		values = {"phone_number_id": "", "access_token": "", "mode": "Unofficial", **values}
		return make_device(name, **values)

	def start_worker(self, *names: str, host: str = ""):
		now = time.time()
		row = {
			"host": host or socket.gethostname(),
			"pid": 1,
			"device_count": len(names),
			"alive_until": micros(now + 60),
		}
		worker_rows.beat(frappe.db, WORKER_NAME, row, now=self.host.now())
		times = {"now": micros(now), "expires": micros(now + 60), "stamp": self.host.now()}
		for name in names:
			self.assertTrue(leases.acquire(frappe.db, f"session:{name}", WORKER_NAME, **times))

	def engine_writes(self, **values):
		frappe.db.set_value(DEVICE, PHONE, values, update_modified=False)

	def offer(self, text: str = QR_TEXT, *, is_pairing_code: bool = False):
		self.host.keep_link_code(PHONE, LinkCode(text, is_pairing_code, time.time() + 60))

	def row(self, *fields: str):
		return frappe.db.get_value(DEVICE, PHONE, fields or "*", as_dict=True)


class TestWhoMayLink(LinkingTestCase):
	def test_a_user_who_may_only_send_with_a_device_can_not_see_its_code_or_touch_its_link(self):
		self.start_worker()
		self.offer()
		frappe.set_user(USER)
		for door in (
			devices.link,
			devices.link_with_code,
			devices.relink,
			devices.qr,
			devices.status,
			devices.logout,
			devices.restart,
			devices.troubleshoot,
		):
			with self.subTest(door.__name__), self.assertRaises(frappe.PermissionError):
				door(PHONE)
		with self.assertRaises(frappe.PermissionError):
			devices.list()
		self.assertFalse(self.row().request)

	def test_a_device_that_does_not_exist_is_named(self):
		with self.assertRaisesRegex(frappe.DoesNotExistError, "_WA Nobody"):
			devices.qr("_WA Nobody")

	def test_a_manager_gets_every_device_with_the_worker_that_holds_it(self):
		self.start_worker(PHONE, host="worker-1")
		self.engine_writes(status="Connected", phone_number=NUMBER, linked_name="Shop", **LINKED)
		found = devices.list()
		listed = next(row for row in found["devices"] if row["name"] == PHONE)
		self.assertTrue(found["worker"]["is_alive"])
		self.assertEqual(
			listed,
			{
				"name": PHONE,
				"mode": "Unofficial",
				"enabled": True,
				"status": "Connected",
				"reason": "",
				"number": NUMBER,
				"linked": {
					"name": "Shop",
					"number": NUMBER,
					"platform": "",
					"since": LINKED["linked_since"],
					"host": "worker-1",
				},
				"worker": "worker-1",
			},
		)

	def test_a_worker_that_is_gone_holds_no_device(self):
		self.start_worker(PHONE, host="worker-1")
		frappe.db.set_value(WORKER, WORKER_NAME, "alive_until", micros(time.time() - 1))
		listed = next(row for row in devices.list()["devices"] if row["name"] == PHONE)
		self.assertEqual(listed["worker"], "")


class TestAsking(LinkingTestCase):
	def test_without_a_worker_every_wish_is_refused_with_the_command_that_starts_one(self):
		command = f"bench --site {frappe.local.site} whatsapp-worker"
		for door in (devices.link, devices.relink, devices.logout, devices.restart):
			with self.subTest(door.__name__), self.assertRaisesRegex(frappe.ValidationError, command):
				door(PHONE)
		self.assertFalse(self.row().request)

	def test_a_worker_that_gives_no_sign_of_life_is_none(self):
		self.start_worker()
		frappe.db.set_value(WORKER, WORKER_NAME, "alive_until", micros(time.time() - 1))
		with self.assertRaisesRegex(frappe.ValidationError, "whatsapp-worker"):
			devices.link(PHONE)

	def test_each_wish_is_written_on_the_row_for_the_worker(self):
		self.start_worker()
		for door, args, request, wanted_state in (
			(devices.link, {}, "link:", "Connected"),
			(devices.link_with_code, {"phone": "+20 100 123 4567"}, "link:201001234567", "Connected"),
			(devices.relink, {}, "relink:", "Connected"),
			(devices.restart, {}, "restart", "Connected"),
			(devices.logout, {}, "logout", "Disconnected"),
		):
			with self.subTest(request):
				told = door(PHONE, **args)
				self.assertEqual(self.row().request, request)
				self.assertEqual(self.row().wanted_state, wanted_state)
				self.assertTrue(told["is_asked"])
				self.assertEqual(told["wanted_state"], wanted_state)

	def test_a_wish_that_no_worker_took_in_time_is_asked_no_longer(self):
		self.start_worker()
		devices.link(PHONE)
		long_ago = micros(time.time() - device_service.REQUEST_SECONDS - 1)
		self.engine_writes(requested=long_ago)
		self.assertFalse(devices.status(PHONE)["is_asked"])

	def test_a_pairing_code_is_asked_for_the_number_of_the_device_unless_another_is_given(self):
		self.start_worker()
		self.engine_writes(phone_number=NUMBER)
		devices.link_with_code(PHONE)
		self.assertEqual(self.row().request, "link:201001234567")

	def test_a_pairing_code_needs_a_number(self):
		self.start_worker()
		with self.assertRaisesRegex(frappe.ValidationError, "Enter the phone number"):
			devices.link_with_code(PHONE, " ")
		with self.assertRaisesRegex(frappe.ValidationError, "letters"):
			devices.link_with_code(PHONE, "+20 call me")
		self.assertFalse(self.row().request)

	def test_a_new_wish_takes_the_old_code_back(self):
		self.start_worker()
		self.offer()
		devices.link(PHONE)
		self.assertNotIn("image", devices.qr(PHONE))

	def test_an_official_device_has_no_phone_to_link(self):
		self.start_worker()
		official = make_device("_WA Official Line").name
		for door in (devices.link, devices.logout, devices.troubleshoot):
			with self.subTest(door.__name__), self.assertRaisesRegex(frappe.ValidationError, "Cloud API"):
				door(official)

	def test_a_disabled_device_is_not_linked(self):
		self.start_worker()
		self.engine_writes(enabled=0)
		with self.assertRaisesRegex(frappe.ValidationError, "disabled"):
			devices.link(PHONE)


class TestCode(LinkingTestCase):
	def test_a_code_is_drawn_while_it_is_offered_and_gone_once_it_is_taken_back(self):
		self.engine_writes(status="QR Ready", wanted_state="Connected")
		self.offer()
		told = devices.qr(PHONE)
		kind, _comma, data = told["image"].partition(",")
		self.assertEqual(kind, "data:image/png;base64")
		self.assertTrue(base64.b64decode(data).startswith(b"\x89PNG"))
		self.assertTrue(0 < told["expires_in"] <= 60)
		self.assertEqual(told["status"], "QR Ready")
		self.host.keep_link_code(PHONE, None)
		told = devices.qr(PHONE)
		self.assertFalse({"image", "pairing_code", "expires_in"} & set(told))

	def test_a_cleared_cache_takes_no_code_away(self):
		"""Saving any User clears the cache of its site."""
		self.start_worker()
		self.offer()
		frappe.clear_cache()
		self.assertIn("image", devices.qr(PHONE))

	def test_a_pairing_code_is_shown_in_two_halves(self):
		for code in (PAIRING_CODE, "K7XQ-92MD"):
			self.offer(code, is_pairing_code=True)
			told = devices.qr(PHONE)
			self.assertEqual(told["pairing_code"], "K7XQ-92MD")
			self.assertNotIn("image", told)

	def test_two_codes_are_two_pictures_and_one_code_is_always_the_same(self):
		self.offer()
		first = devices.qr(PHONE)["image"]
		self.assertEqual(devices.qr(PHONE)["image"], first)
		self.offer(QR_TEXT.replace("one", "1ne"))
		self.assertNotEqual(devices.qr(PHONE)["image"], first)

	def test_the_page_learns_how_long_the_attempt_lasts_and_when_to_ask_again(self):
		frappe.get_doc("WhatsApp Settings").update({"link_minutes": 2, "qr_refresh_seconds": 7}).save()
		self.engine_writes(requested=micros(time.time() - 60))
		told = devices.qr(PHONE)
		self.assertEqual((told["attempt"], told["refresh"]), (120, 7))
		self.assertTrue(0 < told["attempt_left"] <= 60)

	def test_no_table_holds_anything_of_a_code(self):
		self.start_worker()
		devices.link(PHONE)
		self.offer()
		devices.qr(PHONE)
		self.offer(PAIRING_CODE, is_pairing_code=True)
		devices.qr(PHONE)
		frappe.get_doc(DEVICE, PHONE).save()
		for secret in (QR_TEXT, "wa-secret-of-the-link", PAIRING_CODE, "K7XQ-92MD"):
			self.assertEqual(tables_holding(secret), [])


class TestState(LinkingTestCase):
	def test_the_status_tells_whose_phone_is_linked(self):
		self.engine_writes(
			status="Connected",
			phone_number=NUMBER,
			linked_name="Shop",
			linked_platform="android",
			**LINKED,
		)
		told = devices.status(PHONE)
		self.assertEqual(told["linked"]["name"], "Shop")
		self.assertEqual(told["linked"]["number"], NUMBER)
		self.assertEqual(told["linked"]["platform"], "android")

	def test_what_is_left_of_an_earlier_link_is_no_link(self):
		for status, wanted_state in (
			("Logged Out", "Disconnected"),
			("QR Ready", "Connected"),
			("Disconnected", "Disconnected"),
		):
			with self.subTest(status):
				self.engine_writes(**{**LINKED, "status": status, "wanted_state": wanted_state})
				self.assertIsNone(devices.status(PHONE)["linked"])

	def test_a_healthy_phone_has_no_trouble(self):
		self.start_worker(PHONE)
		self.engine_writes(status="Connected", phone_number=NUMBER, linked_name="Shop", **LINKED)
		told = devices.troubleshoot(PHONE)
		self.assertEqual([check for check in told["checks"] if not check["ok"]], [])
		self.assertTrue(told["ok"])

	def test_each_trouble_is_named_with_what_to_do(self):
		self.engine_writes(
			**{**LINKED, "status": "Degraded", "status_reason": "The page changed.", "per_minute": 1}
		)
		now = micros(time.time())
		make_message(PHONE, status="Sent", attempted=now)
		make_message(PHONE, status="Queued", due=now - micros(3600))
		told = devices.troubleshoot(PHONE)
		wrong = {check["label"]: check for check in told["checks"] if not check["ok"]}
		self.assertEqual(
			set(wrong),
			{
				"A whatsapp-worker is running",
				"A worker holds the session",
				"The device is connected",
				"No sending limit is reached",
				"No message waits for long",
			},
		)
		self.assertIn("whatsapp-worker", wrong["A whatsapp-worker is running"]["advice"])
		self.assertIn("worker-1", wrong["A worker holds the session"]["detail"])
		self.assertEqual(wrong["The device is connected"]["detail"], "Degraded: The page changed.")
		self.assertIn("1 of 1 in a minute", wrong["No sending limit is reached"]["detail"])
		self.assertIn("1 waiting, the oldest for 60 minutes", wrong["No message waits for long"]["detail"])
		self.assertTrue(all(check["advice"] for check in wrong.values()))


class TestForm(LinkingTestCase):
	def test_a_save_from_a_form_keeps_what_the_engine_wrote_meanwhile(self):
		opened = frappe.get_doc(DEVICE, PHONE)
		written = {
			"status": "Connected",
			"status_reason": "",
			"linked_name": "Shop",
			"linked_platform": "android",
			"linked_lid": "123@lid",
			"request": "restart",
			"requested": 1_700_000_000_000_000,
			"down_since": 5,
			"screenshot": "/private/files/screen.png",
			**LINKED,
		}
		self.engine_writes(phone_number=NUMBER, **written)
		opened.per_minute = 7
		opened.save()
		row = self.row()
		self.assertEqual(
			{field: str(row[field]) for field in written}, {k: str(v) for k, v in written.items()}
		)
		self.assertEqual((row.per_minute, row.phone_number), (7, NUMBER))

	def test_the_number_and_the_mode_of_a_linked_phone_stay(self):
		self.engine_writes(status="Connected", phone_number=NUMBER, **LINKED)
		for change in (
			{"phone_number": "+201009999999"},
			{"mode": "Official", "phone_number_id": "1", "access_token": "t"},
		):
			with self.subTest(change), self.assertRaisesRegex(frappe.ValidationError, "Log it out before"):
				frappe.get_doc(DEVICE, PHONE).update(change).save()
		frappe.get_doc(DEVICE, PHONE).update({"phone_number": "+20 100 123 4567"}).save()

	def test_once_it_is_logged_out_the_number_may_change(self):
		self.engine_writes(**{**LINKED, "status": "Disconnected", "wanted_state": "Disconnected"})
		frappe.get_doc(DEVICE, PHONE).update({"phone_number": "+201009999999"}).save()
		self.assertEqual(self.row().phone_number, "+201009999999")

	def test_a_fail_over_leads_to_another_enabled_device_and_never_back(self):
		for name in ("_WA B", "_WA C"):
			self.make_phone(name)
		with self.assertRaisesRegex(frappe.ValidationError, "leads back"):
			self.fail_over(PHONE, PHONE)
		self.fail_over("_WA B", "_WA C")
		self.fail_over(PHONE, "_WA B")
		with self.assertRaisesRegex(frappe.ValidationError, f"_WA C › {PHONE} › _WA B › _WA C"):
			self.fail_over("_WA C", PHONE)
		frappe.db.set_value(DEVICE, "_WA C", "enabled", 0)
		with self.assertRaisesRegex(frappe.ValidationError, "disabled"):
			self.fail_over(PHONE, "_WA C")

	def fail_over(self, name: str, other: str):
		frappe.get_doc(DEVICE, name).update({"fail_over_device": other}).save()

	def test_a_linked_phone_is_logged_out_before_its_device_is_deleted(self):
		self.engine_writes(status="Connected", **LINKED)
		with self.assertRaisesRegex(frappe.ValidationError, "Log the phone out first"):
			frappe.delete_doc(DEVICE, PHONE)
		self.engine_writes(status="Disconnected", wanted_state="Disconnected")
		self.take_leases("session:{0}", "dispatch:{0}", "told:3600:{0}", "session:other of {0}")
		self.offer()
		frappe.delete_doc(DEVICE, PHONE)
		left = frappe.get_all(LEASE, filters={"name": ("like", f"%{PHONE}")}, pluck="name")
		self.assertEqual(left, [f"session:other of {PHONE}"])
		self.assertIsNone(self.host.link_code(PHONE))

	def take_leases(self, *templates: str):
		now = micros(time.time())
		for template in templates:
			leases.acquire(
				frappe.db, template.format(PHONE), "x", now=now, expires=now + 1, stamp=self.host.now()
			)


def tables_holding(text: str) -> list[str]:
	"""Tables of the site with this text anywhere in a row."""
	query = (
		"SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = {} AND data_type IN "
		"('varchar', 'char', 'text', 'mediumtext', 'longtext', 'json', 'character varying', 'jsonb')"
	)
	schema = "DATABASE()" if frappe.db.db_type == "mariadb" else "'public'"
	columns: dict[str, list[str]] = {}
	for table, column in frappe.db.sql(query.format(schema)):
		columns.setdefault(table, []).append(column)
	mark, cast = ("`", "CHAR") if frappe.db.db_type == "mariadb" else ('"', "TEXT")
	found = []
	for table, names in columns.items():
		anywhere = " OR ".join(f"CAST({mark}{name}{mark} AS {cast}) LIKE %(text)s" for name in names)
		if frappe.db.sql(
			f"SELECT 1 FROM {mark}{table}{mark} WHERE {anywhere} LIMIT 1", {"text": f"%{text}%"}
		):
			found.append(table)
	return found
