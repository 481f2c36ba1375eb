// A file that was chosen is named beside its button.

import "./header.js";

for (const input of document.querySelectorAll(".g-file input")) {
  const name = input.parentElement.querySelector(".g-file-name");
  const tell = () => (name.textContent = input.files[0]?.name ?? name.dataset.none);
  input.addEventListener("change", tell);
  tell(); // a browser that comes back to a page keeps what was chosen
}
