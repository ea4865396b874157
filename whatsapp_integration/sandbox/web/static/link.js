/* Being linked: the QR codes that follow each other, and the pairing code. */

import { call } from "./net.js";
import * as profile from "./profile.js";

/* `say(name, value)` is told: ref (of a new code, null for none), idle, pairing (a code or null). */
export function startLinking(say) {
	let timer;
	let keys;
	let isOver = false;

	const fullCode = (ref) => [ref, keys.staticKeyPair, keys.identityKeyPair, keys.secretKey].join(",");

	async function begin() {
		clearTimeout(timer);
		keys ??= await profile.keys();
		const { refs } = await call("refs");
		await showNext(refs);
	}

	async function showNext(refs) {
		const [next, ...rest] = refs;
		if (isOver) return;
		if (!next) {
			await call("show", { code: "" });
			if (!isOver) say("idle");
			return;
		}
		const code = fullCode(next.ref);
		await call("show", { code });
		if (isOver) return;
		say("ref", { type: "multidevice", ref: next.ref, ...keys, fullCode: code });
		timer = setTimeout(() => showNext(rest), next.seconds * 1000);
	}

	return {
		refresh: begin,
		stop() {
			isOver = true;
			clearTimeout(timer);
		},
		pairingCode: (phone) => call("pairing", { phone }),
	};
}
