// The page of `qamat serve`: asks, shows the answer with what it was made of, takes entries out and asks again.
// Whatever comes from the server is text: it goes into the page by textContent alone.
"use strict";

const state = { answer: null, without: new Map(), asking: null };

async function ask(question, focus) {
  if (!question.trim()) return;
  if (state.asking) state.asking.abort();
  const asking = (state.asking = new AbortController());
  busy(true);
  trouble("");
  const body = { question, without: [...state.without.keys()], min_confidence: Number(part("threshold").value) };
  if (part("top-k").value) body.top_k = Number(part("top-k").value);
  try {
    const found = await call("ask", { method: "POST", body: JSON.stringify(body), signal: asking.signal });
    const before = state.answer && state.answer.question === found.question ? state.answer : null;
    state.answer = found;
    show(found, before);
    if (focus) part("answer").focus();
  } catch (error) {
    if (error.name === "AbortError") return;
    trouble(error.message);
  }
  if (state.asking === asking) busy(false);
}

function busy(now) {
  document.body.classList.toggle("waiting", now);
  part("result").setAttribute("aria-busy", String(now));
  part("ask").textContent = now ? "Asking…" : "Ask";
}

function show(found, before) {
  part("asked").textContent = found.question;
  part("as-graph").href = `graph?question=${encodeURIComponent(found.question)}`;
  const answer = part("answer");
  answer.textContent = found.abstained ? "No answer" : found.candidate || "(an empty answer)";
  answer.classList.toggle("none", found.abstained);
  say("abstains", found.abstained && `It abstains: not sure enough. It would have said “${found.candidate}”.`);
  const changed = before && (before.without.length !== found.without.length || before.candidate !== found.candidate);
  say("before", changed && `Before: “${before.candidate}”, confidence ${before.confidence.toFixed(2)}` + (before.without.length ? `, with ${before.without.length} taken out.` : ", with all entries."));
  part("confidence").setAttribute("aria-valuenow", found.confidence.toFixed(2));
  part("confidence").firstElementChild.style.width = `${100 * found.confidence}%`;
  part("confidence-value").textContent = found.confidence.toFixed(2);
  part("confidence-from").textContent = `From ${found.confidence_from}.`;
  part("read-head").textContent = found.evidence.length ? "What it read, by weight" : "It read no entry";
  part("entries").replaceChildren(...found.evidence.map(entry));
  part("versions-head").textContent = "What answered";
  versions(found.versions);
  for (const id of ["result", "read", "versions"]) part(id).hidden = false;
  taken();
}

function say(id, line) {
  part(id).textContent = line || "";
  part(id).hidden = !line;
}

function entry(evidence, place) {
  const item = part("entry-template").content.firstElementChild.cloneNode(true);
  const put = (name, text) => (item.querySelector(name).textContent = text);
  put(".number", evidence.weight.toFixed(3));
  item.querySelector(".bar").style.width = `${100 * evidence.weight}%`;
  put(".q", evidence.question);
  put(".a", evidence.answer);
  put(".title", evidence.title || "");
  passage(item.querySelector(".passage"), evidence);
  put(".source", [evidence.generator ? `Written by ${evidence.generator}` : `Origin: ${evidence.origin}`, `entry ${evidence.qa_id}`].join(" · "));
  item.querySelector("details").open = place === 0;
  item.dataset.id = evidence.qa_id;
  const take = item.querySelector(".take");
  take.addEventListener("click", () => toggle(evidence));
  return item;
}

function passage(place, evidence) {
  if (!evidence.passage) {
    place.textContent = "The passage that this entry came from is not known.";
    return;
  }
  if (!evidence.span) {
    place.textContent = evidence.passage;
    return;
  }
  const characters = Array.from(evidence.passage); // code points, as the span counts
  const [start, end] = evidence.span;
  const mark = document.createElement("mark");
  mark.textContent = characters.slice(start, end).join("");
  place.replaceChildren(characters.slice(0, start).join(""), mark, characters.slice(end).join(""));
}

function toggle(evidence) {
  const out = !state.without.has(evidence.qa_id);
  if (out) state.without.set(evidence.qa_id, `${evidence.question} ${evidence.answer}`);
  else state.without.delete(evidence.qa_id);
  taken();
  if (out) part("again").focus({ preventScroll: true });
}

function taken() {
  part("taken").hidden = !state.without.size;
  part("again").textContent = state.without.size === 1 ? "Ask again without it" : "Ask again without them";
  part("chips").replaceChildren(
    ...[...state.without].map(([id, text]) => {
      const item = part("chip-template").content.firstElementChild.cloneNode(true);
      item.querySelector(".text").textContent = text;
      const chip = item.querySelector("button");
      chip.setAttribute("aria-label", `Put back: ${text}`);
      chip.addEventListener("click", () => {
        state.without.delete(id);
        taken();
        (part("chips").querySelector("button") || part("question")).focus();
      });
      return item;
    }),
  );
  for (const item of part("entries").children) {
    const out = state.without.has(item.dataset.id);
    item.classList.toggle("out", out);
    const take = item.querySelector(".take");
    take.textContent = out ? "Put back" : "Take out";
    take.setAttribute("aria-label", `${take.textContent}: ${item.querySelector(".pair").textContent}`);
  }
}

function versions(held) {
  const told = { ...(held.bundle && { Bundle: held.bundle }), Model: held.checkpoint, Memory: held.memory, Index: held.index, Tokenizer: held.tokenizer };
  part("version-list").replaceChildren(
    ...Object.entries(told).flatMap(([name, value]) => {
      const term = document.createElement("dt");
      const text = document.createElement("dd");
      term.textContent = name;
      text.textContent = value;
      return [term, text];
    }),
  );
}

async function begin() {
  try {
    const about = await call("version", {});
    part("about").textContent = `Answers from ${about.entries.toLocaleString("en")} question–answer pairs, and shows which it read.`;
    part("top-k").replaceChildren(...Array.from({ length: about.top_k }, (_, k) => new Option(String(k + 1), String(k + 1))));
    part("top-k").value = String(about.top_k);
    threshold(about.min_confidence);
    versions(about);
    part("versions").hidden = false;
  } catch (error) {
    trouble(error.message);
  }
}

function threshold(value) {
  part("threshold").value = String(value);
  part("threshold-value").textContent = Number(value).toFixed(2);
}

part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  ask(part("question").value, false);
});
part("again").addEventListener("click", () => ask(state.answer ? state.answer.question : part("question").value, true));
part("restore").addEventListener("click", () => {
  state.without.clear();
  taken();
  part("question").focus();
});
part("threshold").addEventListener("input", (event) => threshold(event.target.value));
keepToken(begin);
begin();
