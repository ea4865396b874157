/* Small helpers that build the page from nodes; text never becomes markup. */

const PATHS = {
	plus: "M12 5v14M5 12h14",
	back: "M15 5l-7 7 7 7",
	clip: "M20 11.5l-8 8a5 5 0 0 1-7-7l8.5-8.5a3.3 3.3 0 0 1 4.7 4.7L9.8 17a1.6 1.6 0 0 1-2.3-2.3l7.3-7.3",
	send: "M4 12l16-8-5 16-3.5-6.5zM11.500 13.500L20 4",
	more: "M6 9l6 6 6-6",
	close: "M6 6l12 12M18 6L6 18",
	reply: "M10 6l-6 6 6 6M4 12h10a6 6 0 0 1 6 6",
	list: "M9 7h11M9 12h11M9 17h11M4.500 7h.01M4.500 12h.01M4.500 17h.01",
	link: "M14 5h5v5M19 5l-8 8M17 14v5H5V7h5",
	phone: "M6 4h4l2 5-2.500 1.500a11 11 0 0 0 5 5L16 13l4 2v4a2 2 0 0 1-2 2A15 15 0 0 1 4 6a2 2 0 0 1 2-2z",
	copy: "M9 9h10v10H9zM5 15V5h10",
	pin: "M12 21s-7-6.200-7-11a7 7 0 0 1 14 0c0 4.800-7 11-7 11zM12 12.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z",
	file: "M7 3h7l5 5v13H7zM14 3v5h5",
	clock: "M12 7v5l3 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
	tick: "M5 12.500l4.500 4.500L19 7.500",
	ticks: "M2 12.500l4.500 4.500L15.500 7.500M11 15.500l1.500 1.500L22 7.500",
	alert: "M12 7v6M12 16.500h.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
	edit: "M5 19l1-4L16 5l3 3L9 18z",
	trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
	form: "M6 4h12v16H6zM9 9h6M9 13h6M9 17h3",
};
const FLIPPED = new Set(["back", "send", "reply", "list"]);

/* h("div.card", {title: "x"}, "text", node, null) → element; `on…` are listeners, null children are left out. */
export function h(what, attributes = {}, ...children) {
	const [tag, ...classes] = what.split(".");
	const node = document.createElement(tag || "div");
	if (classes.length) node.className = classes.join(" ");
	for (const [name, value] of Object.entries(attributes)) {
		if (value === null || value === undefined || value === false) continue;
		if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
		else node.setAttribute(name, value === true ? "" : value);
	}
	node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
	return node;
}

export function icon(name) {
	const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
	svg.setAttribute("viewBox", "0 0 24 24");
	svg.setAttribute("aria-hidden", "true");
	svg.classList.add("icon", `icon-${name}`);
	if (FLIPPED.has(name)) svg.classList.add("flips");
	const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
	path.setAttribute("d", PATHS[name]);
	svg.append(path);
	return svg;
}

export function avatar(node, name, seed) {
	let hue = seed ? 0 : 250;
	for (const letter of seed) hue = (hue * 31 + letter.codePointAt(0)) % 360;
	const words = name.replace(/[^\p{L}\p{N}\s]/gu, "").trim().split(/\s+/);
	node.textContent = words.slice(0, 2).map((word) => [...word][0] ?? "").join("\u200c").toUpperCase() || "#";
	node.style.setProperty("--hue", hue);
	return node;
}

/* Only web addresses may become links, never javascript: and the like. */
export function safeLink(address) {
	return /^(https?:\/\/|tel:\+?\d)/i.test(address ?? "") ? address : null;
}

const MARKS = { "*": "b", _: "i", "~": "s", "`": "code" };
const PATTERN = /```([\s\S]+?)```|(?<![\p{L}\p{N}])([*_~`])(\S(?:[^\n]*?\S)?)\2(?![\p{L}\p{N}])|(https?:\/\/[^\s<>"]+)/gu;

/* WhatsApp's text marks (*bold* _italic_ ~struck~ `code`) and links, as nodes. */
export function rich(text) {
	const nodes = [];
	let end = 0;
	for (const match of String(text).matchAll(PATTERN)) {
		nodes.push(text.slice(end, match.index));
		const [whole, block, mark, inner, address] = match;
		if (block) nodes.push(h("code", {}, block));
		else if (mark) nodes.push(h(MARKS[mark], {}, ...(mark === "`" ? [inner] : rich(inner))));
		else nodes.push(h("a", { href: address, target: "_blank", rel: "noopener noreferrer", dir: "ltr" }, address));
		end = match.index + whole.length;
	}
	nodes.push(String(text).slice(end));
	return nodes.filter((node) => node !== "");
}
