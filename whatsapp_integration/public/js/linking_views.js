// What the dialog that links a phone shows, as HTML.
const escape = (text) => frappe.utils.escape_html(text ?? "");
const RING = 2 * Math.PI * 20; // circumference of the ring below

const MENU = {
	qr: () => [
		__("Open WhatsApp on the phone."),
		__("Android: tap ⋮. iPhone: tap Settings."),
		__("Tap Linked devices, then Link a device."),
		__("Point the phone at this code."),
	],
	code: () => [
		__("Open WhatsApp on the phone."),
		__("Android: tap ⋮. iPhone: tap Settings."),
		__("Tap Linked devices, then Link a device."),
		__("Tap “Link with phone number instead” and type this code."),
	],
};

export function starting() {
	return calm(__("Starting the browser …"), __("This takes up to a minute."));
}

export function waiting_for_code(with_code) {
	return calm(with_code ? __("Asking WhatsApp for a pairing code …") : __("Asking WhatsApp for a QR code …"));
}

export function loading() {
	return calm(
		__("Linked – loading the chats …"),
		__("Keep WhatsApp open on the phone. A phone with many chats needs some minutes.")
	);
}

export function trouble(label, reason) {
	return calm(label, reason);
}

export function qr_code(image) {
	return two_columns(
		`<div class="wa-qr"><img src="${escape(image)}" alt="${__("QR code")}"></div>
		<div class="wa-expiry"><div></div></div>
		<p class="text-muted small">${__("The code renews itself.")}</p>`,
		MENU.qr()
	);
}

export function pairing_code(code) {
	return two_columns(
		`<div class="wa-pairing-code" dir="ltr">${escape(code)}</div>
		<div class="wa-expiry"><div></div></div>
		<button class="btn btn-default btn-sm" data-copy="${escape(code.replace("-", ""))}">${__("Copy")}</button>`,
		MENU.code()
	);
}

export function connected({ name, number, platform }) {
	const facts = [
		number && `<bdi dir="ltr">${escape(number)}</bdi>`,
		platform && `<bdi>${escape(frappe.whatsapp.platform(platform))}</bdi>`,
	].filter(Boolean);
	return `<div class="wa-link-state">
		<svg class="wa-link-done" viewBox="0 0 48 48" aria-hidden="true">
			<circle cx="24" cy="24" r="22"></circle><path d="M14 25l7 7 13-15"></path>
		</svg>
		<h4>${__("Connected and ready to send.")}</h4>
		<p class="wa-link-person"><b dir="auto">${escape(name)}</b>${facts.join(" · ")}</p>
	</div>`;
}

export function ended(reason) {
	return `<div class="wa-link-state">
		<h4>${__("The phone is not linked.")}</h4>
		<div class="alert alert-danger">${
			frappe.whatsapp.sentence(reason) || __("WhatsApp gave no reason.")
		}</div>
	</div>`;
}

/** Nothing drives linked phones now, and how to change that. */
export function no_worker(command) {
	return `<div class="wa-no-worker">
		<p>${__("No whatsapp-worker is running. It is the process that opens WhatsApp Web for linked phones.")}</p>
		<p>${__("Start it on the server:")}</p>
		<div class="wa-command" dir="ltr">
			<code>${escape(command)}</code>
			<button class="btn btn-default btn-xs" data-copy="${escape(command)}">${__("Copy")}</button>
		</div>
	</div>`;
}

/** The time that is left of an attempt, as a ring. */
export function ring() {
	return `<svg class="wa-ring" viewBox="0 0 48 48" role="img" aria-label="${__("Time left for linking")}">
		<circle cx="24" cy="24" r="20"></circle>
		<circle class="wa-ring-left" cx="24" cy="24" r="20" stroke-dasharray="${RING}"></circle>
		<text x="24" y="28" text-anchor="middle"></text>
	</svg>`;
}

/** `left` of `all` seconds. */
export function turn_ring($wrapper, left, all) {
	const seconds = Math.max(0, Math.round(left));
	const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
	$wrapper.find(".wa-ring-left").attr("stroke-dashoffset", RING * (1 - Math.min(1, left / all)));
	$wrapper.find(".wa-ring text").text(clock);
}

function calm(title, note) {
	return `<div class="wa-link-state">
		<div class="wa-spinner"></div>
		<h4>${title}</h4>
		<div class="text-muted">${frappe.whatsapp.sentence(note)}</div>
	</div>`;
}

function two_columns(code, steps) {
	const items = steps.map((text) => `<li>${text}</li>`);
	return `<div class="wa-link">
		<div class="wa-link-code">${code}</div>
		<div class="wa-link-steps">
			<ol>${items.join("")}</ol>
			<div class="wa-link-time">${ring()}<span class="text-muted">${__("left for linking")}</span></div>
		</div>
	</div>`;
}
