// Before anything is drawn: the theme somebody chose, so that no other one flashes up.
try {
  const theme = JSON.parse(localStorage.getItem("fireside.preferences") ?? "{}").theme;
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // As the device has it.
}
