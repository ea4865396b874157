/* wa-js's errors. Some of what it throws is none of them, but a plain string or object. */

export class WPPError extends Error {
	constructor(code, message, more = {}) {
		super(message);
		Object.assign(this, { code }, more);
	}
}
