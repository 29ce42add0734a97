package useragent_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/usherauth/usher/session/useragent"
)

type agent = useragent.Agent

var real = []struct {
	ua   string
	want agent
}{
	{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
		agent{"Macintosh", false, "Chrome", "124.0.0.0", "macOS"}},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.6367.118 Safari/537.36",
		agent{"Windows", false, "Chrome", "124.0.6367.118", "Windows"}},
	{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
		agent{"Linux", false, "Chrome", "124.0.0.0", "Linux"}},
	{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
		agent{"Chromebook", false, "Chrome", "124.0.0.0", "ChromeOS"}},
	{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.6367.113 Mobile Safari/537.36",
		agent{"Android", true, "Chrome", "124.0.6367.113", "Android"}},
	{"Mozilla/5.0 (Linux; Android 13; SM-X906C) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36",
		agent{"Android", true, "Chrome", "119.0.0.0", "Android"}},
	{"Mozilla/5.0 (Linux; Android 13; Pixel 7 Build/TQ3A.230805.001; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36",
		agent{"Android", true, "Android WebView", "116.0.0.0", "Android"}},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/124.0.6367.88 Mobile/15E148 Safari/604.1",
		agent{"iPhone", true, "Chrome", "124.0.6367.88", "iOS"}},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1",
		agent{"iPhone", true, "Safari", "17.4.1", "iOS"}},
	{"Mozilla/5.0 (iPad; CPU OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1",
		agent{"iPad", true, "Safari", "17.4.1", "iPadOS"}},
	{"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_4_1) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Safari/605.1.15",
		agent{"Macintosh", false, "Safari", "17.4.1", "macOS"}},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:125.0) Gecko/20100101 Firefox/125.0",
		agent{"Windows", false, "Firefox", "125.0", "Windows"}},
	{"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0",
		agent{"Linux", false, "Firefox", "125.0", "Linux"}},
	{"Mozilla/5.0 (Android 14; Mobile; rv:125.0) Gecko/125.0 Firefox/125.0",
		agent{"Android", true, "Firefox", "125.0", "Android"}},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 14_4_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/125.0 Mobile/15E148 Safari/605.1.15",
		agent{"iPhone", true, "Firefox", "125.0", "iOS"}},
	{"Mozilla/5.0 (X11; FreeBSD amd64; rv:109.0) Gecko/20100101 Firefox/115.0",
		agent{"FreeBSD", false, "Firefox", "115.0", "FreeBSD"}},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36 Edg/124.0.2478.67",
		agent{"Windows", false, "Edge", "124.0.2478.67", "Windows"}},
	{"Mozilla/5.0 (Linux; Android 10; Pixel 3 XL) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.6367.113 Mobile Safari/537.36 EdgA/124.0.2478.50",
		agent{"Android", true, "Edge", "124.0.2478.50", "Android"}},
	{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 EdgiOS/124.0.2478.50 Mobile/15E148 Safari/605.1.15",
		agent{"iPhone", true, "Edge", "124.0.2478.50", "iOS"}},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763",
		agent{"Windows", false, "Edge", "18.17763", "Windows"}},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36 OPR/109.0.0.0",
		agent{"Windows", false, "Opera", "109.0.0.0", "Windows"}},
	{"Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18",
		agent{"Windows", false, "Opera", "12.18", "Windows"}},
	{"Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/24.0 Chrome/117.0.0.0 Mobile Safari/537.36",
		agent{"Android", true, "Samsung Internet", "24.0", "Android"}},
	{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 YaBrowser/24.4.0.0 Safari/537.36",
		agent{"Windows", false, "Yandex Browser", "24.4.0.0", "Windows"}},
	{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36 Vivaldi/6.7.3329.17",
		agent{"Linux", false, "Vivaldi", "6.7.3329.17", "Linux"}},
	{"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
		agent{"Windows", false, "Internet Explorer", "11.0", "Windows"}},
	{"Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
		agent{"Windows", false, "Internet Explorer", "10.0", "Windows"}},
	{"Mozilla/5.0 (Linux; Android 11; KFTRWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/118.3.1 like Chrome/118.0.5993.155 Safari/537.36",
		agent{"Android", true, "Silk", "118.3.1", "Android"}},
	{"Mozilla/5.0 (Mobile; Windows Phone 8.1; Android 4.0; ARM; Trident/7.0; Touch; rv:11.0; IEMobile/11.0; NOKIA; Lumia 520) like iPhone OS 7_0_3 Mac OS X AppleWebKit/537 (KHTML, like Gecko) Mobile Safari/537",
		agent{"Windows Phone", true, "Internet Explorer", "11.0", "Windows Phone"}},
	{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/124.0.6367.78 Safari/537.36",
		agent{"Linux", false, "Headless Chrome", "124.0.6367.78", "Linux"}},
	{"Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.128 Safari/537.36 WebAppManager",
		agent{"TV", false, "Chrome", "94.0.4606.128", "webOS"}},
	{"curl/8.5.0", agent{BrowserName: "curl", BrowserVersion: "8.5.0"}},
	{"Go-http-client/2.0", agent{BrowserName: "Go-http-client", BrowserVersion: "2.0"}},
	{"okhttp/4.12.0", agent{BrowserName: "okhttp", BrowserVersion: "4.12.0"}},
	{"MyApp/42 CFNetwork/1494.0.7 Darwin/23.4.0", agent{BrowserName: "MyApp", BrowserVersion: "42"}},
	{"Mozilla/5.0", agent{}},
	{"", agent{}},
}

func TestParse(t *testing.T) {
	for _, c := range real {
		if got := useragent.Parse(c.ua); got != c.want {
			t.Errorf("%s\n got %+v\nwant %+v", c.ua, got, c.want)
		}
	}
}

// W19: 50 ms; ten times that, since the machine may be busy.
func TestAttack_W19_ParseIsLinearAndClean(t *testing.T) {
	for _, ua := range []string{
		strings.Repeat("Chrome/", 1<<17), strings.Repeat("x", 1<<20), strings.Repeat("(;", 1<<19),
		"Chrome/" + strings.Repeat("1", 1<<20), strings.Repeat("\x00", 1<<20), "Chrome/\x1b[31m<script>",
		"<script>alert(1)</script>/1", "name/1.0\r\nSet-Cookie: a=b",
	} {
		start := time.Now()
		a := useragent.Parse(ua)
		if d := time.Since(start); d > 500*time.Millisecond {
			t.Errorf("%.20q…: %v", ua, d)
		}
		if len(a.BrowserName) > 32 || len(a.BrowserVersion) > 32 || strings.ContainsAny(a.BrowserName+a.BrowserVersion, "<>\x00\x1b\r\n()") {
			t.Errorf("%.20q…: %#v", ua, a)
		}
	}
}

func ExampleParse() {
	a := useragent.Parse("Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0")
	fmt.Println(a.BrowserName, a.BrowserVersion, "on", a.OS)
	// Output: Firefox 125.0 on Linux
}
