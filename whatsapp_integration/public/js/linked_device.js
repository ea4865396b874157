// The buttons of a linked phone on its form: in each state those that make sense.
const BEGUN = ["Initializing", "QR Ready"];
const LIVE = ["Authenticated", "Connected", "Reconnecting", "Degraded", "Blocked"];
const AT_EASE = ["Initializing", "QR Ready", "Authenticated", "Connected", "Paused"];

/** Is a session kept that is linked with a phone? The same rule as in api/linked_phone.py. */
function is_linked({ linked_since, status, wanted_state }) {
	if (!linked_since || ["QR Ready", "Logged Out"].includes(status)) return false;
	return LIVE.includes(status) || wanted_state === "Connected";
}

/** `saved` waits until the form is saved. */
function add_buttons(frm, saved) {
	const { name, status, enabled } = frm.doc;
	if (!enabled) return;
	const linked = is_linked(frm.doc);
	const add = (label, action, group) =>
		frm.add_custom_button(label, () => saved(frm).then(action), group);
	if (BEGUN.includes(status) && frm.doc.wanted_state === "Connected")
		primary(add(__("Show Linking"), () => frappe.whatsapp.show_linking(name)));
	else if (!linked) primary(add(__("Link", null, "WhatsApp Device"), () => link(name)));
	const look = (group) =>
		add(__("Troubleshoot", null, "WhatsApp Device"), () => troubleshoot(name), group);
	if (!linked) add(__("Link with Code"), () => link_with_code(frm.doc));
	const is_down = linked && !AT_EASE.includes(status);
	if (is_down) look();
	if (linked) add_actions(frm, (label, action) => add(label, action, __("Actions")));
	if (!is_down) look(__("Actions"));
}

function add_actions(frm, add) {
	const { name } = frm.doc;
	add(__("Restart", null, "WhatsApp Device"), () => act(frm, "restart", __("The browser is restarted.")));
	add(__("Relink", null, "WhatsApp Device"), () => confirm_relink(name));
	add(__("Log Out", null, "WhatsApp Device"), () => confirm_log_out(frm));
}

function primary(button) {
	button.removeClass("btn-default").addClass("btn-primary");
}

function link(name) {
	frappe.whatsapp.link_device(name, "link");
}

function link_with_code({ name, phone_number }) {
	const dialog = frappe.prompt(
		{
			fieldname: "phone",
			fieldtype: "Data",
			label: __("Phone Number of the WhatsApp Account"),
			description: __("WhatsApp gives a code for this number; you type it on the phone."),
			default: phone_number,
			reqd: 1,
		},
		({ phone }) => frappe.whatsapp.link_device(name, "link_with_code", { phone }),
		__("Link with Code"),
		__("Get a Code")
	);
	dialog.get_field("phone").$input.attr("dir", "ltr");
}

function confirm_relink(name) {
	frappe.confirm(
		__(
			"The session that is kept here is forgotten, and the phone has to be linked anew. Until then nothing is sent or received. Go on?"
		),
		() => frappe.whatsapp.link_device(name, "relink")
	);
}

function confirm_log_out(frm) {
	frappe.confirm(
		__(
			"The phone's list of linked devices loses this one, and nothing is sent or received until it is linked again. Log out?"
		),
		() => act(frm, "logout", __("The phone is being logged out."))
	);
}

function act(frm, method, said) {
	const { name } = frm.doc;
	return frappe.whatsapp.with_worker(name, async () => {
		await frappe.whatsapp.call_device(name, method, {}, { freeze: true });
		frappe.show_alert({ message: said, indicator: "blue" });
		frm.reload_doc();
	});
}

async function troubleshoot(name) {
	const { ok, checks, screenshot } = await frappe.whatsapp.call_device(
		name,
		"troubleshoot",
		{},
		{ freeze: true }
	);
	frappe.msgprint({
		title: ok ? __("All is well") : __("Something is wrong"),
		indicator: ok ? "green" : "red",
		message: frappe.whatsapp.checks(checks) + picture(screenshot),
		wide: true,
	});
}

function picture(url) {
	return url ? `<h5 class="wa-heading">${__("Last Screenshot")}</h5>${screenshot_html(url)}` : "";
}

function screenshot_html(url) {
	if (!url?.startsWith("/")) return "";
	const address = frappe.utils.escape_html(url.split("/").map(encodeURIComponent).join("/"));
	return `<a href="${address}" target="_blank" rel="noopener"><img class="wa-screenshot" src="${address}"></a>`;
}

const PLATFORMS = {
	android: () => "Android",
	iphone: () => "iPhone",
	smba: () => __("WhatsApp Business on Android"),
	smbi: () => __("WhatsApp Business on iPhone"),
};

/** WhatsApp's word for the kind of phone, as people say it. */
function platform(code) {
	return PLATFORMS[code]?.() ?? code;
}

function show_platform(frm) {
	frm.get_field("linked_platform").df.formatter = (code) => frappe.utils.escape_html(platform(code) ?? "");
	frm.refresh_field("linked_platform");
}

/** The last picture of the page, in place of its address. */
function show_screenshot(frm) {
	frm.get_field("screenshot").df.formatter = screenshot_html;
	frm.refresh_field("screenshot");
}

/** What everybody has to know who links a phone. */
function risk_note() {
	return `<div class="alert alert-warning">
		<b>${__("Automating WhatsApp Web is against WhatsApp's Terms of Service.")}</b>
		${__(
			"WhatsApp can ban a number for good, without warning. Use a number that you can afford to lose, write only to people who expect you, and keep the limits. For bulk messages and marketing use the Official mode."
		)}
	</div>`;
}

Object.assign(frappe.whatsapp, {
	is_linked,
	add_linked_buttons: add_buttons,
	platform,
	show_platform,
	show_screenshot,
	risk_note,
});
