// What a reviewer says of a case, under a name, and that nothing of it is lost unnoticed.
const byId = (id) => document.getElementById(id);

export function opinions(data, marks, hasDraft) { // gives what sends an opinion
  const status = byId("status");
  let sending = false, isKept = false;

  async function give(opinion) {
    const button = document.querySelector(`[data-opinion=${opinion}]`);
    if (button.disabled || sending) return;
    const corrected = marks.differFrom(data.reported);
    const silent = opinion === "not_judgeable" || (opinion === "wrong" && !corrected);
    sending = true;
    status.textContent = "Sending";
    try {
      const answer = await fetch(data.post, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ opinion, marks: silent ? null : marks.list, note: byId("note").value.trim() }),
      });
      const said = await answer.json();
      if (!answer.ok) throw new Error(said.error);
      isKept = true;
      if (said.standing === "conflict") location.reload();
      else location.assign(said.next);
    } catch (error) {
      status.textContent = `The review was not kept: ${error.message} Try again.`;
      sending = false;
    }
  }

  const isUnsaved = () => !isKept && (hasDraft() || marks.differFrom(data.marks) || byId("note").value.trim() !== "");

  window.addEventListener("beforeunload", (event) => isUnsaved() && event.preventDefault());

  document.querySelector(".who").addEventListener("submit", async (event) => {
    if (!isUnsaved()) return; // the page that loads shows what this person has said before
    event.preventDefault();
    const form = event.target, name = form.elements.reviewer.value.trim();
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" });
      if (answer.type !== "opaqueredirect") throw new Error(await answer.text());
      document.querySelectorAll("[data-opinion]").forEach((each) => (each.disabled = !name));
      byId("unnamed").hidden = name !== "";
      status.textContent = name ? `You review as ${name}.` : "";
      document.activeElement.blur(); // the keys are the case's again
    } catch (error) {
      status.textContent = `The name was not taken: ${error.message} Try again.`;
    }
  });

  document.querySelectorAll("[data-opinion]").forEach((each) => each.addEventListener("click", () => give(each.dataset.opinion)));
  return give;
}
