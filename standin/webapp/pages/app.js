"use strict";

const form = document.querySelector("#login");
const points = document.querySelector("#points");
const alertLine = form.querySelector("[role=alert]");

function showLogin(message) {
  points.hidden = true;
  form.hidden = false;
  alertLine.textContent = message;
  alertLine.hidden = !message;
}

function row(point) {
  const line = document.createElement("tr");
  line.id = `point-${point.id}`;
  line.dataset.serial = point.serial;
  line.dataset.value = point.value === null ? "" : String(point.value);
  line.dataset.time = point.measuredAt ?? "";
  for (const text of [point.name, point.serial, point.value ?? "–", point.measuredAt ?? "–"]) {
    line.insertCell().textContent = text;
  }
  return line;
}

async function showPoints() {
  const answer = await fetch("/app/data");
  if (answer.status === 401) {
    showLogin("Your session has ended. Please log in.");
    return;
  }
  if (!answer.ok) {
    throw new Error(`the data could not be loaded: status ${answer.status}`);
  }
  const data = await answer.json();
  points.querySelector("tbody").replaceChildren(...data.points.map(row));
  form.hidden = true;
  points.hidden = false;
}

async function logIn() {
  const answer = await fetch("/app/login", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ login: form.elements.login.value, password: form.elements.password.value }),
  });
  if (answer.status === 401) {
    showLogin("Login or password is wrong.");
    return;
  }
  if (!answer.ok) {
    throw new Error(`the login failed: status ${answer.status}`);
  }
  await showPoints();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  alertLine.hidden = true;
  logIn();
});

document.querySelector("#logout").addEventListener("click", async () => {
  await fetch("/app/logout", { method: "POST" });
  showLogin("");
});

form.querySelector("button").disabled = false;
