living();
root.hidden = false;
for (const link of document.querySelectorAll('a[href="#living"]')) link.hidden = false;
