// The page of suggestions: figures, training, rollback, schedule. No build step, no third party, no inline scripts.
import { $, BASE, api, button, followed, outcomeOf, save, say, start, when } from "./desk.js";
import { chart, table } from "./figures.js";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const TITLES = { orders: "Favourite orders", destinations: "Taxi destinations", offers: "Offers" };
const boxes = new Map();

function sceneBox(scene) {
  if (boxes.has(scene.scene)) return boxes.get(scene.scene);
  const box = $("scene-template").content.cloneNode(true).querySelector("section");
  box.id = `scene-${scene.scene}`;
  const title = box.querySelector("h2");
  title.textContent = TITLES[scene.scene] || scene.scene;
  title.id = `title-${scene.scene}`;
  box.setAttribute("aria-labelledby", title.id);
  box.querySelector(".train").addEventListener("click", () => train(scene.scene));
  $("scenes").append(box);
  boxes.set(scene.scene, box);
  return box;
}

function drawScene(scene) {
  const box = sceneBox(scene);
  box.querySelector(".answer").textContent = scene.sentence;
  const skipped = scene.skipped.length
    ? `${scene.skipped.join(", ")} cannot be used; ${scene.version || "popular items"} served instead. ` : "";
  const missing = box.querySelector(".missing");
  missing.textContent = skipped + (scene.missing || "");
  missing.hidden = !missing.textContent;
  const now = scene.versions.find((version) => version.current);
  const figure = box.querySelector("figure");
  figure.hidden = !now || !scene.methods.length;
  if (!figure.hidden) {
    figure.querySelector("figcaption").textContent = scene.explained;
    figure.querySelector(".chart").replaceChildren(chart(scene, now, figure.clientWidth));
  }
  drawMethods(box, scene);
  drawVersions(box, scene);
  drawRuns(box, scene);
  const running = scene.runs.find((run) => run.state === "running");
  if (running) follow(scene.scene, running.run_id);
}

function drawMethods(box, scene) {
  const details = box.querySelector(".table");
  const download = box.querySelector(".download");
  details.hidden = download.hidden = !scene.methods.length;
  if (details.hidden) return;
  const metrics = [...new Set(scene.methods.flatMap((row) => Object.keys(row)))].filter((name) => name !== "method").sort();
  const rows = scene.methods.map((row) => ({
    cells: [row.method, ...metrics.map((name) => row[name])],
    className: row.method === scene.in_force ? "winner" : "",
  }));
  details.querySelector("table").replaceChildren(...table(["method", ...metrics], rows));
  download.onclick = () => save(`${scene.scene}-${scene.version}.csv`, [["method", ...metrics], ...rows.map((r) => r.cells)]);
}

function drawVersions(box, scene) {
  const details = box.querySelector(".versions");
  details.hidden = !scene.versions.length;
  const rows = scene.versions.map((version) => {
    const back = button("Use this one", `Use version ${version.version}`, () => goBack(scene.scene, version.version));
    return {
      cells: [version.version, version.in_force, version.value, version.baseline_value, version.lines,
        when(version.until), when(version.published_at), version.current ? "in use" : back],
      className: version.current ? "current" : "",
    };
  });
  const names = ["version", "method in force", scene.versions[0]?.metric || "", "counting", "lines", "learned until", "published", ""];
  details.querySelector("table").replaceChildren(...table(names, rows));
}

function drawRuns(box, scene) {
  const details = box.querySelector(".runs");
  details.hidden = !scene.runs.length;
  details.querySelector("ul").replaceChildren(...scene.runs.map((run) => {
    const line = document.createElement("li");
    line.textContent = `${when(run.started_at)}: ${outcomeOf(run)}`;
    return line;
  }));
  const last = scene.runs[0];
  const outcome = box.querySelector(".outcome");
  if (last && last.state !== "running") outcome.textContent = `Last training, ${when(last.ended_at)}: ${outcomeOf(last)}`;
}

async function train(scene) {
  const button = boxes.get(scene).querySelector(".train");
  button.disabled = true;
  try {
    const { run_id } = await api("POST", `${BASE}/models/${scene}/train`);
    await follow(scene, run_id);
  } catch (error) {
    button.disabled = false;
    say(error.message);
  }
}

const followedRuns = new Set();

async function follow(scene, run) {
  if (followedRuns.has(run)) return;
  followedRuns.add(run);
  const box = boxes.get(scene);
  box.querySelector(".train").disabled = true;
  box.querySelector(".outcome").textContent = "";
  await followed(scene, run, box.querySelector(".progress"));
  box.querySelector(".train").disabled = false;
  await load();
}

async function goBack(scene, version) {
  try {
    await api("POST", `${BASE}/models/${scene}/rollback`, { version });
    await load();
    boxes.get(scene).querySelector(".outcome").textContent = `Version ${version} is in use now.`;
  } catch (error) {
    say(error.message);
  }
}

function input(type, value, label, text) {
  const field = document.createElement("input");
  field.type = type;
  if (type === "checkbox") field.checked = value;
  else field.value = value;
  const around = document.createElement("label");
  if (type === "checkbox") around.append(field, text);
  else around.append(text, field);
  field.setAttribute("aria-label", label);
  return [field, around];
}

function drawSchedule(rows, scenes) {
  $("schedule").hidden = false;
  const on = rows.filter((row) => row.enabled);
  $("schedule-answer").textContent = on.length
    ? on.map((row) => `${TITLES[row.scene] || row.scene}: ${row.days.join(", ")} at ${row.time} (${row.timezone})`).join("; ") + "."
    : "It does not: training happens when somebody presses “Train now”.";
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const fields = scenes.map(({ scene }) => {
    const row = rows.find((one) => one.scene === scene) || { scene, days: ["sun"], time: "03:00", timezone: zone, enabled: false };
    const set = document.createElement("fieldset");
    const legend = document.createElement("legend");
    const title = TITLES[scene] || scene;
    legend.textContent = title;
    const [enabled, first] = input("checkbox", row.enabled, `${title}: by itself`, "by itself");
    const days = DAYS.map((day) => [day, ...input("checkbox", row.days.includes(day), `${title}: ${day}`, day)]);
    const [time, at] = input("time", row.time, `${title}: time`, "at");
    const [timezone, where] = input("text", row.timezone, `${title}: time zone`, "in");
    set.append(legend, first, ...days.map((day) => day[2]), at, where);
    return { set, read: () => ({ scene, enabled: enabled.checked, time: time.value, timezone: timezone.value.trim(),
      days: days.filter((day) => day[1].checked).map((day) => day[0]) }) };
  });
  const button = document.createElement("button");
  button.className = "save";
  button.textContent = "Save the schedule";
  $("schedule-form").replaceChildren(...fields.map((field) => field.set), button);
  $("schedule-form").onsubmit = async (event) => {
    event.preventDefault();
    try {
      const saved = await api("PUT", `${BASE}/schedule`, { rows: fields.map((field) => field.read()) });
      drawSchedule(saved.rows, scenes);
      say("The schedule is saved.");
    } catch (error) {
      say(error.message);
    }
  };
}

function drawSharing({ least_people, floor }) {
  $("sharing").hidden = false;
  $("sharing-answer").textContent = `What is popular, and every sentence about others, is made from at least ${least_people} ` +
    `different people. Not fewer than ${floor} can be set. After a higher number, train again: older versions are not used.`;
  const field = $("sharing-people");
  field.min = floor;
  field.value = least_people;
  $("sharing-form").onsubmit = async (event) => {
    event.preventDefault();
    try {
      drawSharing(await api("PUT", `${BASE}/desk/sharing`, { least_people: Number(field.value) }));
      say("The number is saved.");
    } catch (error) {
      say(error.message);
    }
  };
}

async function load() {
  const [models, schedule, sharing] = await Promise.all(
    ["models", "schedule", "desk/sharing"].map((path) => api("GET", `${BASE}/${path}`)));
  const { ordered = 0, rode = 0 } = models.events;
  const { items, places, offers } = models.catalogue;
  $("counts").textContent = `${ordered.toLocaleString()} orders and ${rode.toLocaleString()} rides so far; ` +
    `${items} dishes, ${places} places, ${offers} offers.`;
  models.scenes.forEach(drawScene);
  if ($("sharing").hidden) drawSharing(sharing);
  if ($("schedule").hidden) drawSchedule(schedule.rows, [...models.scenes, { scene: "offers" }]);
}

start(load);
