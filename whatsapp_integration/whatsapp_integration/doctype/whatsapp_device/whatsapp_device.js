frappe.ui.form.on("WhatsApp Device", {
	setup(frm) {
		frm.set_query("fail_over_device", () => ({ filters: { enabled: 1, name: ["!=", frm.doc.name] } }));
	},

	refresh(frm) {
		show_webhook_url(frm);
		SECRETS.forEach((field) => frm.get_field(field).disable_password_checks());
		frappe.require(["whatsapp_integration.bundle.js", "whatsapp_integration.bundle.css"]).then(() => {
			show_risk(frm);
			if (frm.is_new()) return;
			show_directions(frm);
			lock_linked_phone(frm);
			if (frm.perm[0]?.write) add_buttons(frm);
		});
	},

	mode: (frm) => frappe.require("whatsapp_integration.bundle.js").then(() => show_risk(frm)),
});

const SECRETS = ["access_token", "app_secret", "verify_token"];
const IDS = ["phone_number", "phone_number_id", "waba_id", ...SECRETS];

function show_directions(frm) {
	frappe.whatsapp.left_to_right(frm, [...IDS, "display_phone_number"]);
	frappe.whatsapp.show_sentences(frm, ["status_reason"]);
	frappe.whatsapp.show_platform(frm);
	frappe.whatsapp.show_screenshot(frm);
	show_state(frm);
}

const STATES = {
	Disconnected: ["blue", __("Not connected yet. Press Connect to Meta.")],
	Initializing: ["blue", __("Starting …")],
	"QR Ready": ["blue", __("Waiting for the phone: scan the QR code.")],
	Authenticated: ["blue", __("Linked; loading the chats …")],
	Connected: ["green", __("Connected and ready to send.")],
	Reconnecting: ["orange", __("The connection was lost; connecting again …")],
	Degraded: ["orange", __("Works with trouble.")],
	"Logged Out": ["red", __("Logged out on the phone. Link the device again.")],
	"Auth Failed": ["red", __("WhatsApp refused the access. Nothing is sent until this is repaired.")],
	Blocked: ["red", __("WhatsApp blocked this number. Nothing is sent.")],
	Paused: ["yellow", __("Paused: messages are queued and wait until you resume.")],
};

function show_state(frm) {
	const { enabled, mode, status, status_reason } = frm.doc;
	let [color, said] = STATES[status] || ["blue", __(status)];
	if (mode === "Unofficial") [color, said] = linked_state(frm.doc) || [color, said];
	if (!enabled) [color, said] = ["yellow", __("This device is disabled: nothing is sent or received.")];
	frm.dashboard.clear_headline();
	frm.dashboard.set_headline(
		`<div><b>${said}</b> ${quality(frm.doc)}${frappe.whatsapp.sentence(__(status_reason))}</div>`,
		color
	);
}

/** What the same word means for a linked phone, where that is something else. */
function linked_state(doc) {
	const is_linked = frappe.whatsapp.is_linked(doc);
	if (doc.status === "Disconnected")
		return is_linked
			? ["orange", __("Linked, but no browser is open. A running whatsapp-worker opens it.")]
			: doc.status_reason
			? ["red", __("The phone is not linked. Press Link to try again.")]
			: ["blue", __("Not linked yet. Press Link.")];
	if (doc.status === "Paused" && is_linked)
		return ["yellow", __("Paused: messages wait until you resume; the phone goes on receiving.")];
}

function quality(doc) {
	const words = {
		GREEN: ["green", __("High", null, "WhatsApp Device")],
		YELLOW: ["orange", __("Medium", null, "WhatsApp Device")],
		RED: ["red", __("Low", null, "WhatsApp Device")],
	};
	const [color, word] = words[doc.quality_rating] || [];
	if (!color || doc.mode !== "Official") return "";
	return `<span class="indicator-pill ${color}">${__("Quality: {0}", [word])}</span>`;
}

function show_risk(frm) {
	frm.get_field("unofficial_note").$wrapper.html(frappe.whatsapp.risk_note());
}

/** The session belongs to one phone, so what it is bound to waits until that is logged out. */
function lock_linked_phone(frm) {
	const is_linked = frm.doc.mode === "Unofficial" && frappe.whatsapp.is_linked(frm.doc);
	["mode", "phone_number"].forEach((field) => frm.set_df_property(field, "read_only", is_linked ? 1 : 0));
}

function show_webhook_url(frm) {
	const url = frappe.urllib.get_full_url("/api/method/whatsapp_integration.api.webhook.receive");
	const insecure = url.startsWith("https://")
		? ""
		: `<p class="small" style="color: var(--orange-600)">${__(
				"Meta calls only https addresses that it can reach from the internet."
		  )}</p>`;
	const $wrapper = frm.get_field("webhook_url").$wrapper;
	$wrapper.html(`<div class="form-group">
		<label class="control-label">${__("Webhook URL")}</label>
		<div class="input-group">
			<input class="form-control" dir="ltr" readonly value="${frappe.utils.escape_html(url)}">
			<div class="input-group-append"><button class="btn btn-default btn-sm">${__("Copy")}</button></div>
		</div>
		<p class="help-box small text-muted">${__(
			"Enter it with the verify token in the app's WhatsApp › Configuration page at Meta and subscribe to the field messages."
		)}</p>
		${insecure}
	</div>`);
	$wrapper.find("button").on("click", () => frappe.utils.copy_to_clipboard(url));
}

function add_buttons(frm) {
	const { enabled, mode, status } = frm.doc;
	const is_connected = status === "Connected";
	if (mode === "Official" && enabled) {
		const connect = frm.add_custom_button(__("Connect to Meta"), () =>
			saved(frm).then(() => connect_to_meta(frm))
		);
		if (!is_connected) make_primary(connect);
	}
	if (enabled && (mode === "Official" || is_connected)) {
		const test = frm.add_custom_button(__("Send Test Message"), () =>
			saved(frm).then(() => ask_test_message(frm))
		);
		if (is_connected) make_primary(test);
	}
	if (mode === "Unofficial") frappe.whatsapp.add_linked_buttons(frm, saved);
	if (enabled && (mode === "Official" || frappe.whatsapp.is_linked(frm.doc))) add_pause(frm);
	const view = (doctype) => () => frappe.set_route("List", doctype, { device: frm.doc.name });
	frm.add_custom_button(__("Messages"), view("WhatsApp Message Log"), __("View"));
	frm.add_custom_button(__("Chats"), view("WhatsApp Chat"), __("View"));
}

function add_pause(frm) {
	const [label, method] = frm.doc.status === "Paused" ? [__("Resume"), "resume"] : [__("Pause"), "pause"];
	frm.add_custom_button(label, () => call_device(frm, method).then(() => frm.reload_doc()), __("Actions"));
}

function make_primary(button) {
	button.removeClass("btn-default").addClass("btn-primary");
}

function saved(frm) {
	return frm.is_dirty() ? frm.save() : Promise.resolve();
}

function call_device(frm, method, args) {
	return frappe.whatsapp.call_device(frm.doc.name, method, args, { freeze: true });
}

async function connect_to_meta(frm) {
	const { ok, checks } = await call_device(frm, "connect");
	frappe.msgprint({
		title: ok ? __("Connected to Meta") : __("Something is missing"),
		indicator: ok ? "green" : "red",
		message: frappe.whatsapp.checks(checks),
	});
	frm.reload_doc();
}

function ask_test_message(frm) {
	const dialog = new frappe.ui.Dialog({
		title: __("Send Test Message"),
		fields: [
			{
				fieldname: "to",
				fieldtype: "Data",
				label: __("To"),
				reqd: 1,
				description: __("A phone number with its country code."),
			},
			{
				fieldname: "text",
				fieldtype: "Small Text",
				label: __("Text"),
				reqd: 1,
				default: __("Hello! This is a test message."),
			},
			{ fieldname: "progress", fieldtype: "HTML" },
		],
		primary_action_label: __("Send"),
		async primary_action({ to, text }) {
			dialog.disable_primary_action();
			try {
				const { message } = await call_device(frm, "send_test", { to, text });
				dialog.onhide?.();
				dialog.get_primary_btn().text(__("Send Again"));
				follow_test(dialog, message);
			} finally {
				dialog.enable_primary_action();
			}
		},
	});
	dialog.get_field("to").$input.attr("dir", "ltr");
	dialog.get_field("text").$input.attr("dir", "auto");
	dialog.show();
}

/** Show the message's status until it was read, failed, or the dialog is closed. */
function follow_test(dialog, name) {
	const last = ["Read", "Played", "Failed", "Cancelled"];
	const look = async () => {
		const { message } = await frappe.call("whatsapp_integration.api.messages.status", { message: name });
		const link = frappe.utils.get_form_link("WhatsApp Message Log", name, true, __("Open the message"));
		const words = [message.error_text, message.advice].map((text) => frappe.whatsapp.sentence(__(text)));
		dialog
			.get_field("progress")
			.$wrapper.html(`${frappe.whatsapp.steps(message)}${words.join("")}<p>${link}</p>`);
		if (last.includes(message.status)) stop();
	};
	const on_update = (data) => data.name === name && look();
	const stop = () => {
		clearInterval(timer);
		frappe.realtime.off("doc_update", on_update);
		frappe.realtime.doc_unsubscribe("WhatsApp Message Log", name);
	};
	const timer = setInterval(look, 2000);
	frappe.realtime.doc_subscribe("WhatsApp Message Log", name);
	frappe.realtime.on("doc_update", on_update);
	dialog.onhide = stop;
	return look();
}
