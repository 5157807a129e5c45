// Asks the server for the pages: with the token, if one is wanted, and in words if something is wrong.
"use strict";

const part = (id) => document.getElementById(id);

const TROUBLE = {
  401: "This server wants a token. Give it above and ask again.",
  413: "That is too much at once. Ask less.",
  429: "You ask faster than this server allows.",
  500: "The server stumbled over this question. Its log says why.",
  503: "Too many questions are waiting.",
};

function headers() {
  const given = { "Content-Type": "application/json" };
  const token = part("token").value.trim();
  if (token) given.Authorization = `Bearer ${token}`;
  return given;
}

async function call(path, more) {
  let reply;
  try {
    reply = await fetch(path, { headers: headers(), ...more });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. See whether it still runs, then ask again.");
  }
  const told = await reply.json().catch(() => ({}));
  if (reply.ok) return told;
  if (reply.status === 401) {
    part("token-line").hidden = false;
    part("token").focus();
  }
  const words = TROUBLE[reply.status];
  throw new Error(words ? [words, reply.status === 401 ? "" : told.error].filter(Boolean).join(" ") : told.error || `Refused (${reply.status}).`);
}

function trouble(line) {
  part("trouble").textContent = line;
  part("trouble").hidden = !line;
}

function keepToken(then) {
  part("token").value = sessionStorage.getItem("token") || "";
  part("token").addEventListener("change", (event) => {
    sessionStorage.setItem("token", event.target.value.trim());
    then();
  });
}
