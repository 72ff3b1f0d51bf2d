import { render } from "preact";
import "./style/base.css";
import "./style/controls.css";
import "./style/home.css";
import "./style/mixer.css";
import { start } from "./state/store";
import { App } from "./ui/app";
import { applyTheme } from "./ui/theme";

applyTheme();
start();
render(<App />, document.getElementById("page") as HTMLElement);
