import { mount } from 'svelte';
import Room from './Room.svelte';
import '../styles/fonts.css';
import '../styles/tokens.css';
import '../styles/base.css';

const target = document.getElementById('app');
if (target) mount(Room, { target });
