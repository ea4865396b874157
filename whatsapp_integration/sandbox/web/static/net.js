/* Talking to the server, which plays WhatsApp. */

// Not randomUUID(), which only https and localhost have.
export const PAGE = crypto.getRandomValues(new Uint32Array(4)).join("-");

export async function call(name, data = {}) {
	const reply = await fetch(`/web/${name}`, {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify({ page: PAGE, ...data }),
	});
	if (reply.status === 410) return beginAnew();
	const answer = await reply.json();
	if (!reply.ok) throw new Error(answer.error);
	return answer;
}

/* The server forgot this page: it was reset. */
function beginAnew() {
	location.reload();
	return new Promise(() => {});
}

export async function upload(file) {
	const query = new URLSearchParams({ mime_type: file.type, name: file.name });
	const reply = await fetch(`/web/upload?${query}`, { method: "POST", body: file });
	if (!reply.ok) throw new Error("upload failed");
	return reply.json();
}

export async function download(id, type) {
	const reply = await fetch(`/web/file/${encodeURIComponent(id)}`);
	if (!reply.ok) return null;
	return new Blob([await reply.arrayBuffer()], { type });
}

/* What the server wants done waits there until `got` says that it is. `work` is called for each, in order. */
export function startPulling(work, takeEmitted) {
	const done = new Set();
	let isBusy = false;
	let isAgain = false;

	async function pull() {
		if (isBusy) {
			isAgain = true;
			return;
		}
		isBusy = true;
		do {
			isAgain = false;
			await round().catch(() => {}); // the server is gone; its next event asks again
		} while (isAgain);
		isBusy = false;
	}

	async function round() {
		const got = [...done];
		const { items } = await call("pull", { got, emitted: takeEmitted() });
		got.forEach((seq) => done.delete(seq));
		for (const item of items) {
			if (done.has(item.seq)) continue;
			await work(item);
			done.add(item.seq);
		}
		if (items.length) isAgain = true;
	}

	const events = new EventSource("/web/events");
	for (const name of ["change", "beat", "open"]) events.addEventListener(name, pull);
	return pull;
}
