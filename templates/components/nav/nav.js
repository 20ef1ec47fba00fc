// On a narrow screen the navigation scrolls sideways: the entry of this page is brought into sight.
const nav = document.querySelector(".nav");
const here = nav?.querySelector("[aria-current]");
if (here && nav.scrollWidth > nav.clientWidth) nav.scrollLeft = here.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2;
