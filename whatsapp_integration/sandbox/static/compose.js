/* The row at the bottom of the phone: text, files, what is quoted or edited. */

import { summary } from "./bubbles.js";
import { h, icon } from "./dom.js";
import { upload } from "./net.js";
import { t } from "./texts.js";

const $ = (id) => document.getElementById(id);
const staged = { quoted: null, editing: null, files: [] };

/* `say(what)` sends and resolves to null when that failed; `trying(work)` shows what went wrong. */
export function startComposer({ say, trying, canWrite }) {
	$("composer").addEventListener("submit", (event) => {
		event.preventDefault();
		if (canWrite()) submit(say, trying);
	});
	$("text").addEventListener("input", grow);
	$("text").addEventListener("keydown", (event) => {
		if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
		event.preventDefault();
		if (canWrite()) submit(say, trying);
	});
	$("attach").addEventListener("click", () => $("file").click());
	$("file").addEventListener("change", () => {
		stageFiles($("file").files);
		$("file").value = "";
	});
	document.addEventListener("paste", (event) => {
		if (canWrite() && event.clipboardData?.files.length) stageFiles(event.clipboardData.files);
	});
	listenForDrops();
}

export function clearStaged() {
	Object.assign(staged, { quoted: null, editing: null, files: [] });
	draw();
}

export function stageQuote(message) {
	Object.assign(staged, { quoted: message, editing: null });
	draw();
	$("text").focus();
}

export function stageEdit(message) {
	Object.assign(staged, { quoted: null, editing: message });
	$("text").value = message.part.body;
	draw();
	$("text").focus();
}

function stageFiles(files) {
	staged.files.push(...files);
	draw();
	$("text").focus();
}

async function submit(say, trying) {
	const text = $("text").value.trim();
	const { files, editing, quoted } = staged;
	if (!text && !files.length) return;
	const more = quoted ? { reply_to: quoted.id } : {};
	let sent;
	if (editing) sent = await say({ edit: { message_id: editing.id, text } });
	else if (files.length) sent = await sendFiles(files, text, more, say, trying);
	else sent = await say({ text, ...more });
	if (!sent) return;
	$("text").value = "";
	grow();
	clearStaged();
	$("log").scrollTop = $("log").scrollHeight;
}

/* The text goes as the caption of the first file; a voice or audio file takes none, so it follows by itself. */
async function sendFiles(files, text, more, say, trying) {
	const caption = files[0].type.startsWith("audio/") ? "" : text;
	let sent = null;
	for (const [index, file] of files.entries()) {
		const id = await trying(() => upload(file));
		sent = id && (await say({ file: { id, filename: file.name, caption: index ? "" : caption }, ...more }));
		if (!sent) return null;
	}
	return text && !caption ? say({ text }) : sent;
}

function draw() {
	const { quoted, editing, files } = staged;
	const chips = files.map((file, index) => chip(filePicture(file), file.name, () => files.splice(index, 1)));
	if (quoted) chips.push(chip(icon("reply"), textOf(quoted), () => (staged.quoted = null)));
	if (editing) chips.push(chip(icon("edit"), editing.part.body, () => (staged.editing = null)));
	$("staged").replaceChildren(...chips);
	$("staged").hidden = !chips.length;
}

function textOf({ type, part, rendered }) {
	const text = part.body?.text ?? part.body ?? part.caption ?? rendered?.body;
	return summary(type, typeof text === "string" ? text : "");
}

function chip(picture, text, remove) {
	const label = { type: "button", title: t("remove"), "aria-label": t("remove"), onclick: () => (remove(), draw()) };
	return h("div.chip", {}, picture, h("span", { dir: "auto" }, text), h("button.round.quiet", label, icon("close")));
}

function filePicture(file) {
	if (!/^image\/(jpeg|png|webp|gif)$/.test(file.type)) return icon("file");
	const image = h("img", { src: URL.createObjectURL(file), alt: "" });
	image.addEventListener("load", () => URL.revokeObjectURL(image.src));
	return image;
}

function grow() {
	const box = $("text");
	box.style.height = "auto";
	box.style.height = `${Math.min(box.scrollHeight + 2, 140)}px`;
}

function listenForDrops() {
	const phone = $("phone");
	phone.addEventListener("dragover", (event) => {
		event.preventDefault();
		$("drop").hidden = false;
	});
	phone.addEventListener("dragleave", (event) => {
		if (!phone.contains(event.relatedTarget)) $("drop").hidden = true;
	});
	phone.addEventListener("drop", (event) => {
		event.preventDefault();
		$("drop").hidden = true;
		stageFiles(event.dataTransfer.files);
	});
}
