import { Refusal } from "../shared/refusal.ts";

const SHORTEST = 8;

/** What people use most, of the passwords that are long enough. Written small: case does not make them rarer. */
const common = new Set(
  `
  00000000 000000000 0000000000 0123456789 0987654321 10101010 11111111 111111111 1111111111 11112222 11223344
  1122334455 112233445566 12121212 12131415 12312312 123123123 12341234 12344321 123454321 12345678 123456780
  123456788 123456789 1234567890 12345678900 12345678910 1234567891 123456789a 123456789q 123456781 12345679
  1234abcd 1234asdf 1234qwer 123654789 123698745 12qwaszx 13131313 13579135 135792468 1357924680 147258369
  147852369 1478963250 14789632 159357456 159753456 159951159 1a2b3c4d 1g2w3e4r 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y
  1qaz1qaz 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 20202020 21212121 22222222 23232323 23456789 2wsx3edc 31415926 33333333
  44444444 456456456 55555555 66666666 741852963 74108520 77777777 78945612 789456123 7894561230 789789789
  87654321 88888888 951753852 963852741 98765432 987654321 9876543210 99999999 999999999 a1234567 a12345678
  a123456789 a1b2c3d4 a1s2d3f4 aa123456 aa12345678 aaaaaaaa abc12345 abc123456 abc123abc abcd1234 abcd12345
  abcdefgh abcdefghi access14 adgjmptw admin123 admin1234 admin12345 admin123456 administrator alejandra alejandro
  alexander alexandra anthony1 asasasas asd12345 asd123456 asdasdasd asdf1234 asdfasdf asdfghjk asdfghjkl
  azertyui azertyuiop barcelona baseball baseball1 basketball beautiful blink182 bonjour1 business butterfly
  cameron1 caroline changeme changeme1 charlie1 charlotte chelsea1 chocolate christian christine computer
  computer1 consumer contrasena contraseña corvette cristina danielle december default1 demo1234 diamond1 dragon123
  einstein elephant elizabeth estrella fernando fernanda football football1 francisco fuckyou1 fuckyou2 garfield
  gateway1 gfhjkmgfhjkm godzilla graphics guest123 hallo123 hardcore hello123 hello1234 hellokitty holamundo
  iloveyou iloveyou1 iloveyou2 iloveyou! internet isabella jennifer jessica1 jonathan jordan23 juventus killer123
  letmein1 letmein123 letmein! liverpool liverpool1 login123 lol123456 lovelove manchester margarita marlboro
  marseille master123 maverick mercedes metallica michael1 michelle microsoft midnight minecraft mohammed monkey123
  monkeys1 motdepasse mypassword myspace1 nicholas nopassword november p4ssw0rd p@ssw0rd p@ssw0rd1 p@ssword
  pa$$w0rd pakistan paradise pass1234 pass12345 pass@123 passport passw0rd passw0rd! passw0rd1 password password!
  password0 password01 password1 password1! password12 password123 password123! password1234 password2 password3
  password4 password5 password7 password9 password99 passwort passwort1 patricia personal pokemon1 pokemon123
  portugal precious princesa princess princess1 q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 qazwsx12 qazwsx123 qazwsxedc
  qazxswedc qqqqqqqq qq123456 qwaszx12 qweasdzx qweasdzxc qweqweqwe qwer1234 qwer12345 qwerasdf qwert123
  qwert12345 qwerty01 qwerty11 qwerty12 qwerty123 qwerty1234 qwerty12345 qwerty123456 qwertyui qwertyuiop
  realmadrid rockstar rolltide root1234 salvador samantha samsung1 santiago scorpion sebastian secret123
  september shadow123 shopping silverado slipknot snickers snowball soccer12 softball spiderman spongebob
  starwars starwars1 steelers stephanie summer123 sunshine sunshine1 superman superman1 superstar target123
  temp1234 temporal test1234 test12345 test123456 testtest thailand thunder1 tinkerbell trustno1 trustno1!
  undertaker username valentina valentin veronica victoria wachtwoord warcraft welcome1 welcome12 welcome123
  welkom01 westside whatever whatever1 william1 winston1 wordpass xxxxxxxx yankees1 yourmom1 zaq12wsx zaq1zaq1
  zaqwsxcde zxcvbnm1 zxcvbnm123 zzzzzzzz
  `
    .trim()
    .split(/\s+/),
);

/** One form for the same characters, whichever way a keyboard put them together. Nothing is cut off. */
export const samePassword = (password: string): string => password.normalize("NFC");

/** @throws Refusal `invalid_input` for a password that would be guessed first. */
export function refuseWeak(password: string): void {
  const same = samePassword(password);
  const fault =
    [...same].length < SHORTEST
      ? `has fewer than ${SHORTEST} characters`
      : common.has(same.toLowerCase()) && "is one of the most common passwords";
  if (fault) throw new Refusal("invalid_input", undefined, { errors: [{ path: "password", message: fault }] });
}

const letters = "abcdefghijkmnpqrstuvwxyz23456789";

/** A password for somebody to read and type: five bits of each byte, no two letters alike. */
export const readablePassword = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => letters[byte % letters.length])
    .join("")
    .replace(/.{5}(?=.)/g, "$&-");
