// The dialog in which a phone is linked: it shows what the device's row says, and asks for nothing by itself.
import * as views from "./linking_views.js";

const UNDER_WAY = ["Initializing", "QR Ready", "Authenticated"];
const FAST = 2000; // milliseconds between looks while no code is shown yet

/** Ask a door about a device. */
function call(device, method, args, options) {
	return frappe
		.call({ method: `whatsapp_integration.api.devices.${method}`, args: { device, ...args }, ...options })
		.then(({ message }) => message);
}

/** Run `action` when a worker is there to do it, otherwise say how to start one. */
async function with_worker(device, action) {
	const { worker } = await call(device, "status", {}, { freeze: true });
	if (worker.is_alive) return action();
	const dialog = new frappe.ui.Dialog({
		title: __("No worker is running"),
		fields: [{ fieldname: "body", fieldtype: "HTML" }],
		primary_action_label: __("Try Again"),
		primary_action() {
			dialog.hide();
			with_worker(device, action);
		},
	});
	dialog.get_field("body").$wrapper.html(views.no_worker(worker.start));
	copy_on_click(dialog);
	dialog.show();
}

function copy_on_click(dialog) {
	dialog.$wrapper.on("click", "[data-copy]", (event) =>
		frappe.utils.copy_to_clipboard($(event.currentTarget).attr("data-copy"))
	);
}

class LinkDialog {
	/** `ask` is the door that begins an attempt and its arguments, null to show the one that is under way. */
	constructor(device, ask) {
		this.device = device;
		this.ask = ask;
		this.dialog = new frappe.ui.Dialog({
			title: __("Link {0}", [device]),
			size: "large",
			fields: [{ fieldname: "body", fieldtype: "HTML" }],
			primary_action_label: __("Try Again"),
			primary_action: () => this.begin(),
		});
		this.dialog.onhide = () => this.close();
		copy_on_click(this.dialog);
	}

	open() {
		// Bootstrap forgets what it did to the page when a dialog shows while another one still leaves.
		const $leaving = $(".modal:visible:not(.modal-minimize)").last();
		if (!$leaving.length) return this.show_dialog();
		$leaving.one("hidden.bs.modal", () => this.show_dialog());
		// It ignores to be hidden while it still fades in, too.
		$leaving.one("shown.bs.modal", () => $leaving.modal("hide"));
	}

	show_dialog() {
		this.on_update = ({ doctype, name }) =>
			doctype === "WhatsApp Device" && name === this.device && this.look();
		frappe.realtime.on("doc_update", this.on_update);
		this.clock = setInterval(() => this.count_down(), 1000);
		this.dialog.show();
		this.begin();
	}

	close() {
		this.is_closed = true;
		frappe.realtime.off("doc_update", this.on_update);
		clearInterval(this.clock);
		clearTimeout(this.timer);
	}

	async begin() {
		this.set_button(false);
		this.show(views.starting());
		const before = await call(this.device, "qr");
		if (this.ask && before.worker.is_alive) {
			this.linked_before = this.ask.method === "relink" ? before.linked?.since : null;
			try {
				await call(this.device, this.ask.method, this.ask.args);
			} catch {
				return this.dialog.hide(); // Frappe has shown why
			}
		}
		return this.look();
	}

	/** Read the row, show it, and look again: at once when it changes, otherwise after a while. */
	async look() {
		if (this.is_looking) {
			this.looks_again = true;
			return;
		}
		this.is_looking = true;
		clearTimeout(this.timer);
		let pause = FAST;
		try {
			const told = await call(this.device, "qr");
			this.read_at = Date.now();
			this.told = told;
			if (!this.is_closed) this.render(told);
			pause = told.status === "QR Ready" ? told.refresh * 1000 : FAST;
		} finally {
			this.is_looking = false;
			const delay = this.looks_again ? 0 : pause;
			this.looks_again = false;
			if (!this.is_closed && !this.is_done) this.timer = setTimeout(() => this.look(), delay);
		}
	}

	render(told) {
		const { status, reason, linked, worker } = told;
		const is_over = told.wanted_state === "Disconnected" && !told.is_asked && !UNDER_WAY.includes(status);
		this.set_button(false);
		if (!worker.is_alive) {
			this.show(views.no_worker(worker.start));
			this.set_button(true);
		} else if (told.is_asked) this.show(views.starting());
		else if (status === "Connected" && linked && linked.since !== this.linked_before) this.finish(linked);
		else if (is_over) {
			this.show(views.ended(reason));
			this.set_button(Boolean(this.ask));
		} else if (status === "QR Ready") this.show_code(told);
		else if (status === "Authenticated") this.show(views.loading());
		else if (["Reconnecting", "Degraded"].includes(status))
			this.show(views.trouble(__(status, null, "WhatsApp Device"), reason));
		else this.show(views.starting());
		this.count_down();
	}

	show_code(told) {
		if (!told.image && !told.pairing_code)
			return this.show(views.waiting_for_code(this.ask?.method === "link_with_code"));
		const is_new = this.show(
			told.image ? views.qr_code(told.image) : views.pairing_code(told.pairing_code)
		);
		if (is_new) this.code_seconds = told.expires_in;
	}

	finish(linked) {
		this.is_done = true;
		this.show(views.connected(linked));
		clearInterval(this.clock);
	}

	/** Draw only what is new, so that nothing flickers and a text that is being copied stays; tells whether it is new. */
	show(html) {
		if (html === this.shown) return false;
		this.shown = html;
		this.dialog.get_field("body").$wrapper.html(html);
		return true;
	}

	set_button(is_shown) {
		this.dialog.get_primary_btn().toggleClass("hide", !is_shown);
		this.dialog.$wrapper.find(".modal-footer").toggleClass("hide", !is_shown);
	}

	count_down() {
		if (!this.told) return;
		const passed = (Date.now() - this.read_at) / 1000;
		const { attempt, attempt_left, expires_in } = this.told;
		views.turn_ring(this.dialog.$wrapper, attempt_left - passed, attempt);
		const share = ((expires_in || 0) - passed) / (this.code_seconds || 1);
		this.dialog.$wrapper
			.find(".wa-expiry > div")
			.css("width", `${Math.min(100, Math.max(0, share * 100))}%`);
	}
}

Object.assign(frappe.whatsapp, {
	call_device: call,
	with_worker,

	link_device: (device, method, args) => new LinkDialog(device, { method, args }).open(),

	/** The attempt that is under way: closing the dialog did not end it. */
	show_linking: (device) => new LinkDialog(device, null).open(),
});
