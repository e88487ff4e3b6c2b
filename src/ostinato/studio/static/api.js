// Requests to the server. Every failure becomes an Error whose message is a sentence to show.

import { capital } from "./words.js";

const LOST = "The server does not answer. Look whether `ostinato studio` still runs, then try again.";

/** A sentence begins with a capital, where it does not begin with a name, as of a file. */
const begun = (sentence) => (/^[a-z]+ /.test(sentence) ? capital(sentence) : sentence);

export class Refused extends Error {}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(LOST);
  }
  if (!response.ok) throw new Refused(await sentence(response));
  return response;
}

async function sentence(response) {
  try {
    const { error } = await response.json();
    if (error) return begun(error);
  } catch {
    /* no JSON: the status has to do */
  }
  return `The server could not do this (status ${response.status}).`;
}

const json = (body, signal, accept = "application/json") => ({
  method: "POST",
  signal,
  body: JSON.stringify(body),
  headers: { "Content-Type": "application/json", Accept: accept },
});

export const getModels = async () => (await request("/v1/models")).json();
export const openModel = async (name) => (await request("/v1/models", json({ name }))).json();
export const ask = async (path, body, signal) => (await request(path, json(body, signal))).json();

export async function readFile(file) {
  const path = `/v1/read?name=${encodeURIComponent(file.name)}`;
  return (await request(path, { method: "POST", body: await file.arrayBuffer() })).json();
}

/** A file of a piece, and sentences on what is not in it. */
export async function exported(kind, body) {
  const response = await request(`/v1/export/${kind}`, json(body));
  return { data: await response.arrayBuffer(), warnings: JSON.parse(response.headers.get("x-warnings") ?? "[]") };
}

/** Splits a stream of server-sent events into {event, data}. */
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n");
      const field = (name) =>
        lines
          .filter((line) => line.startsWith(`${name}:`))
          .map((line) => line.slice(name.length + 1).trimStart())
          .join("\n");
      const data = field("data");
      if (data) yield { event: field("event") || "message", data: JSON.parse(data) };
    }
  }
}

/**
 * Runs a request that takes a while. `heed` is called with each event before the last.
 * Resolves to the answer; rejects with a sentence, or with an AbortError when `signal` is aborted.
 */
export async function streamed(path, body, heed, signal) {
  let job = null;
  const cancel = () => job && fetch(`/v1/jobs/${job}`, { method: "DELETE" }).catch(() => {});
  signal?.addEventListener("abort", cancel);
  try {
    const response = await request(path, json(body, signal, "text/event-stream"));
    if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) return await response.json();
    for await (const { event, data } of events(response.body)) {
      job ??= data.id;
      if (event === "done") return data;
      if (event === "error") throw new Refused(begun(data.error));
      heed(event, data);
    }
  } catch (error) {
    if (signal?.aborted) throw new DOMException("Stopped.", "AbortError");
    if (error instanceof Refused) throw error;
    throw new Refused("The connection to the server was lost before the music was done.");
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
  throw new Refused("The connection to the server was lost before the music was done.");
}
