// Verifies a delivery with the library of npm: the first argument is a file with secrets, headers and body.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.LIBRARIES}/`);
const { Webhook } = require("standardwebhooks");
const { secrets, headers, body } = JSON.parse(readFileSync(process.argv[2], "utf8"));
for (const secret of secrets) {
    const webhook = new Webhook(secret);
    if (webhook.verify(body, headers).type !== "agent.created") throw new Error("another event");
    let passed = true;
    try {
        webhook.verify(`${body} `, headers);
    } catch {
        passed = false;
    }
    if (passed) throw new Error("another body passes");
}
