/* Sending: into the profile first, then to the server. */

import { call, upload } from "./net.js";
import * as profile from "./profile.js";

const NEVER = new Promise(() => {});

/* `app` is the page; a message is the server's raw one with `options`, `quoted_id` and `timing` beside it. */
export function outbox(app) {
	const inFlight = new Map(); // short id → promise of the answer
	const waiting = []; // what was held up, to try again when the connection is back

	async function post(raw, file) {
		const stored = file ? await upload(file) : null;
		if (stored) raw.file = stored.id;
		const answer = await call("send", {
			id: raw.id,
			to: raw.chat,
			type: raw.type,
			body: raw.body,
			caption: raw.caption,
			filename: raw.filename,
			mimetype: raw.mimetype,
			file: raw.file,
			quoted: raw.quoted?.id,
			link_preview: raw.link_preview,
			extra: raw.extra,
			options: raw.options,
			timing: { ...raw.timing, posted: Date.now() },
		});
		if (answer.retry) {
			await new Promise((resolve) => waiting.push(resolve));
			return post(raw, null);
		}
		return answer.hang && !answer.result ? NEVER : answer;
	}

	async function postAndNote(raw, file) {
		const answer = await post(raw, file);
		if (answer.throw) throw answer.throw;
		if (answer.result === "OK") await profile.put("outgoing", raw.id, { ...raw, ack: answer.ack });
		app.raiseAck(raw.id, { ack: answer.result === "OK" ? answer.ack : -1 });
		return answer;
	}

	/* Resolves to wa-js's SendMsgResultObject, rejects or never settles, as the server wants it. */
	async function deliver(raw, file) {
		const sending = postAndNote(raw, file);
		inFlight.set(raw.id, sending.catch(() => {}));
		const answer = await sending.finally(() => inFlight.delete(raw.id));
		if (answer.hang) await NEVER;
		return { messageSendResult: answer.result, t: answer.t ?? null, count: null };
	}

	return {
		/* Put a message into its chat and on its way: [the message, the promise of its result]. */
		async send(raw, file) {
			await profile.put("outgoing", raw.id, raw);
			raw.ack = app.store.find(raw.id)?.message.ack ?? raw.ack;
			const { message } = app.store.addMessage(raw);
			message.isNewMsg = true;
			app.say("message", message);
			return [message, deliver(raw, file)];
		},

		/* Messages that an earlier page put into the profile and the server never had. */
		async recall(isResent) {
			for (const raw of await profile.all("outgoing")) {
				if (app.store.find(raw.id)) continue;
				if (raw.ack > 0 && (await call("find", { id: raw.id }))) continue; // older than what was loaded
				app.store.addMessage(raw);
				if (isResent && !raw.ack && !raw.mimetype) deliver(raw, null).catch(() => {});
			}
		},

		retry: () => waiting.splice(0).forEach((resolve) => resolve()),
		whenSent(id, work) {
			const isSent = app.store.find(id)?.message.ack > 0;
			if (isSent || !inFlight.has(id)) work();
			else inFlight.get(id).then(work);
		},
	};
}
