{
  /* Stacks of slices: a slider, and the wheel over the picture once the pointer has moved on it, so that a page that
     is scrolled under a resting pointer is not caught. */
  let armed = null;
  addEventListener("scroll", () => { armed = null; }, {passive: true});
  for (const stack of document.querySelectorAll(".stack")) {
    const slider = stack.querySelector("input"), picture = stack.querySelector(".slice");
    const show = () => {
      stack.style.setProperty("--slice", slider.value);
      const text = `slice ${1 + Number(stack.dataset.first) + slider.value * stack.dataset.step} of ${stack.dataset.depth}`;
      slider.setAttribute("aria-valuetext", text);
      stack.querySelector("output").textContent = text;
    };
    slider.addEventListener("input", show);
    picture.addEventListener("pointermove", event => { if (event.movementX || event.movementY) armed = picture; });
    picture.addEventListener("wheel", event => {
      const before = slider.value;
      if (armed !== picture || event.ctrlKey || !event.deltaY) return;
      slider.value = Number(before) + Math.sign(event.deltaY);
      if (slider.value === before) return;
      event.preventDefault();
      show();
    }, {passive: false});
    stack.querySelector(".turn").hidden = false;
    show();
  }
}
