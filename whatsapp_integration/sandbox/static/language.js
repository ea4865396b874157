/* The language of a phone page, and what its texts have in common. */

export const language = new URLSearchParams(location.search).get("lang") === "ar" ? "ar" : "en";
let words = {};

/* Choose the words of a page; they are there before anything is drawn. */
export function useWords(english, arabic) {
	words = language === "ar" ? arabic : english;
}

/* The text of a key with its {0} places filled. */
export function t(key, ...values) {
	return (words[key] ?? key).replace(/\{(\d)\}/g, (place, index) => values[index] ?? place);
}

/* Put the words into the page: data-t text, data-t-label name for screen readers, data-t-hint placeholder. */
export function translatePage() {
	document.documentElement.lang = language;
	document.documentElement.dir = language === "ar" ? "rtl" : "ltr";
	document.title = t("title");
	for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
	for (const node of document.querySelectorAll("[data-t-label]")) {
		node.setAttribute("aria-label", t(node.dataset.tLabel));
		if (node.tagName === "BUTTON") node.title = t(node.dataset.tLabel);
	}
	for (const node of document.querySelectorAll("[data-t-hint]")) node.placeholder = t(node.dataset.tHint);
}

export function clock(seconds) {
	return new Date(seconds * 1000).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
}
